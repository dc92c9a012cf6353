"""The page: what a person would see in Slack, rendered on the server."""

import contextlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import rendering
from .core import Core
from .people import Channel, User
from .refusal import Refusal
from .transcript import names_of

JSON = dict[str, Any]

HERE = Path(__file__).parent
SHOWN = 200  # messages in a pane; older ones are in the transcript


class Page:
    """Renders the page and its panes for one person looking at one place."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= {"clock": rendering.clock, "iso": rendering.iso}

    def whole(self, query: dict[str, str]) -> str:
        """The full page for these query parameters: as, channel, thread, view."""
        return self.templates.get_template("page.html").render(**self._context(query))

    def panes(self, query: dict[str, str]) -> JSON:
        """The parts that change while one looks, as HTML by pane name."""
        context = self._context(query)
        return {
            name: self.templates.get_template(f"{name}.html").render(**context)
            for name in ("log", "thread", "modal")
        }

    def place(self, query: dict[str, str]) -> tuple[User, Channel]:
        """The reader and the channel of a request; an unknown name means the first."""
        workspace = self._core.workspace
        user = next(iter(workspace.users.values()))
        with contextlib.suppress(Refusal):
            user = workspace.user(query.get("as", "")) if query.get("as") else user
        channel = next(iter(workspace.channels.values()))
        with contextlib.suppress(Refusal):
            result = workspace.channel(query.get("channel", ""))
            if user.id in result.members or result.kind == "channel":
                channel = result
        return user, channel

    def _context(self, query: dict[str, str]) -> JSON:
        core, workspace = self._core, self._core.workspace
        user, channel = self.place(query)
        names = names_of(workspace)
        home = query.get("view") == "home"
        events = core.manifest.events  # None: no manifest was named, everything is sent
        thread = query.get("thread", "")
        root = channel.messages.get(thread)
        mine = workspace.ephemerals.get(user.id, {}).values()
        here = [m for where, m in mine if where == channel.id]

        def shown(data: JSON) -> JSON:
            return rendering.message(workspace, data, user.id, names)

        listed = [channel.messages[ts] for ts in list(channel.timeline)[-SHOWN:]]
        listed += [m for m in here if "thread_ts" not in m]
        replies = [channel.messages[ts] for ts in channel.threads.get(thread, ())]
        replies += [m for m in here if m.get("thread_ts") == thread]
        modal, published = core.views.modal(user.id), core.views.home(user.id)
        direct = workspace.direct(user.id)
        return {
            "me": user,
            "people": [u for u in workspace.users.values() if not u.is_bot],
            "channel": channel,
            "title": f"#{channel.name}" if channel.name else workspace.app.name,
            "can_post": user.id in channel.members and not channel.is_archived,
            "channels": [
                c
                for c in workspace.channels.values()
                if c.name and (user.id in c.members or c.kind == "channel")
            ],
            "direct": direct,
            "app": workspace.app,
            "show_home": home,
            "has_home": events is None or "app_home_opened" in events,
            "home": rendering.view(workspace, published, {}, names) if published else None,
            "messages": [shown(m) for m in sorted(listed, key=lambda m: str(m["ts"]))],
            "root": shown(root) if root else None,
            "replies": [shown(m) for m in sorted(replies, key=lambda m: str(m["ts"]))],
            "modal": rendering.view(workspace, modal, core.views.errors.get(modal["id"], {}), names)
            if modal
            else None,
            "message_shortcuts": [s for s in core.manifest.shortcuts if s.kind == "message"],
            "global_shortcuts": [s for s in core.manifest.shortcuts if s.kind == "global"],
        }
