"""The page's own endpoints: read, click, type, and receive changes."""

import asyncio
from typing import Any

from aiohttp import web

from . import reading
from .actions import Actions, Outcome
from .control import Control
from .core import Core
from .page import HERE, Page
from .page_answers import HEADERS, WORDS, as_json, own_words
from .people import Channel, User
from .refusal import Refusal
from .workspace import Change

JSON = dict[str, Any]

STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "control.js": "text/javascript",
}
BREATH = 0.1  # seconds between two refreshes: in a burst each would render everything again


class PageEndpoints:
    """Handlers for aiohttp, over one core."""

    def __init__(self, core: Core, actions: Actions) -> None:
        self._core = core
        self._actions = actions
        self._page = Page(core)
        self._control = Control(core, self._page.templates)
        self._dirty: set[asyncio.Event] = set()
        self._closing = False

    def add_to(self, app: web.Application) -> None:
        """Put the page's addresses on the server."""
        app.router.add_get("/", self.show)
        app.router.add_get("/panes", self.panes)
        app.router.add_get("/live", self.live)
        app.router.add_get("/static/{name}", self.static)
        app.router.add_get("/archives/{channel}/{message}", self.permalink)
        app.router.add_post("/do/{what}", self.do)
        self._control.add_to(app)

    def changed(self) -> None:
        """Tell open pages that something is different."""
        for dirty in self._dirty:
            dirty.set()

    def close(self) -> None:
        """End the live streams."""
        self._closing = True
        for dirty in self._dirty:
            dirty.set()

    async def show(self, request: web.Request) -> web.Response:
        """The whole page."""
        html = self._page.whole(dict(request.query))
        # A lone surrogate in a message must not break the page.
        body = html.encode("utf-8", "replace")
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=HEADERS)

    async def panes(self, request: web.Request) -> web.Response:
        """The part of the page that changes while somebody reads it."""
        return as_json(self._page.panes(dict(request.query)))

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: one line a burst of changes."""
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        dirty = asyncio.Event()
        self._dirty.add(dirty)
        try:
            await response.write(b"data: hello\n\n")
            while not self._closing:
                await dirty.wait()
                dirty.clear()
                await response.write(b"data: changed\n\n")
                await asyncio.sleep(BREATH)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._dirty.discard(dirty)
        return response

    async def static(self, request: web.Request) -> web.Response:
        """The style sheet and the script; nothing else is a file here."""
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        text = (HERE / "static" / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=STATIC[name], headers=HEADERS)

    async def permalink(self, request: web.Request) -> web.Response:
        """Lead from a permalink to the message's place on the page."""
        digits = request.match_info["message"].removeprefix("p")
        try:
            channel = self._core.workspace.channel(request.match_info["channel"])
            ts = f"{digits[:-6]}.{digits[-6:]}"
            message = self._core.workspace.message(channel, ts)
        except Refusal:
            raise web.HTTPNotFound from None
        root = str(message.get("thread_ts", ts))
        reader = self._page.place(dict(request.query))[0].name
        raise web.HTTPFound(f"/?as={reader}&channel={channel.id}&thread={root}#m-{ts}")

    async def do(self, request: web.Request) -> web.Response:
        """Carry out one action of a person; the answer says whether it worked."""
        return await own_words(request, self._perform)

    async def _perform(self, what: str, item: JSON) -> str | None:
        user, channel = self._page.place(
            {"as": str(item.get("as", "")), "channel": str(item.get("channel", ""))}
        )
        outcome = await self._do(what, user, channel, item)
        if outcome is None or outcome.acked:
            return None
        if outcome.errors:
            self._core.workspace.on_change(Change("view", user=user.id))
        return WORDS.get(outcome.error, outcome.error)

    async def _do(self, what: str, user: User, channel: Channel, item: JSON) -> Outcome | None:
        actions, workspace = self._actions, self._core.workspace
        ts = str(item.get("ts", ""))
        match what:
            case "say":
                text = str(item["text"])
                if text.startswith("/") and not item.get("thread"):
                    return await actions.command(user, channel, text)
                actions.say(user, channel, text, item.get("thread") or None)
            case "delete":
                actions.delete(user, channel, ts)
            case "app_edit":
                actions.edit_as_app(channel, ts, str(item["text"]))
            case "app_delete":
                actions.delete_as_app(channel, ts)
            case "react":
                name = str(item["name"])
                reactions = workspace.message(channel, ts).get("reactions", [])
                mine = any(r["name"] == name and user.id in r["users"] for r in reactions)
                workspace.react(channel, ts, name, user.id, add=not mine)
            case "act":
                return await self._act(user, channel, item)
            case "submit":
                return await actions.submit(user, self._modal(user), dict(item["values"]))
            case "close":
                await actions.close(user, self._modal(user))
            case "home":
                actions.open_home(user)
            case "shortcut":
                message = workspace.message(channel, ts) if ts else None
                return await actions.shortcut(user, str(item["callback_id"]), channel, message)
            case _:
                raise Refusal("unknown_method")
        return None

    async def _act(self, user: User, channel: Channel, item: JSON) -> Outcome:
        number, value, where = int(item["n"]), item.get("value"), item.get("where")
        holder: JSON | None
        if where == "modal":
            holder = self._modal(user)
        elif where == "home":
            holder = self._core.views.home(user.id)
        else:
            ts = str(item["ts"])
            only_mine = self._core.workspace.ephemerals.get(user.id, {}).get(ts)
            holder = only_mine[1] if only_mine else self._core.workspace.message(channel, ts)
        result = list(reading.elements(holder or {}))
        if not 0 <= number < len(result):
            raise Refusal("no_such_element")
        block, element = result[number]
        if where in ("modal", "home") and holder is not None:
            return await self._actions.act_in_view(user, holder, block, element, value)
        return await self._actions.act_on_message(
            user, channel, holder or {}, block, element, value
        )

    def _modal(self, user: User) -> JSON:
        view = self._core.views.modal(user.id)
        if view is None:
            raise Refusal("view_not_found")
        return view
