"""Incoming webhooks, to which Alertmanager, Grafana and others post."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from . import content
from .authors import classic_author
from .core import Core
from .endpoints import read_payload
from .faults import rate_limited
from .people import TEAM_ID, App, Channel
from .refusal import Refusal

JSON = dict[str, Any]

# What Slack answers to a webhook, as text; anything else is a 400 with the error's name.
STATUS = {"channel_not_found": 404, "is_archived": 410, "channel_is_archived": 410}


@dataclass(frozen=True)
class Webhook:
    """One address: it posts as `app` into `channel` unless the body names another channel."""

    path: str
    app: App
    channel: str


class Webhooks:
    """The webhooks of this workspace, one for each channel."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_path: dict[str, Webhook] = {}

    def url(self, channel: Channel, app: App) -> str:
        """The webhook address of a channel for one app; made when new, then always the same."""
        path = f"{TEAM_ID}/{app.bot_id}/{channel.id}"
        self._by_path.setdefault(path, Webhook(path, app, channel.id))
        return f"{self._core.base_url}/services/{path}"

    async def receive(self, request: web.Request) -> web.Response:
        """One post by a stranger."""
        info = request.match_info
        hook = self._by_path.get(f"{info['team']}/{info['bot']}/{info['secret']}")
        if hook is None:
            return web.Response(status=404, text="no_service")
        try:
            body = await read_payload(request)
            channel = self._core.workspace.channel(str(body.get("channel") or hook.channel))
            wait = self._core.wait_to_post("webhook", hook.app.bot_id, channel.id)
            if wait is not None:
                return rate_limited(wait)
            self._post(hook, channel, body)
        except Refusal as refusal:
            name = refusal.name
            return web.Response(status=STATUS.get(name, 400), text=name)
        return web.Response(text="ok")

    def _post(self, hook: Webhook, channel: Channel, body: JSON) -> None:
        result = content.kept_content(body)
        icons = {
            kind.removeprefix("icon_").replace("url", "image_48"): body[kind]
            for kind in ("icon_emoji", "icon_url")
            if body.get(kind)
        }
        author = classic_author(
            hook.app,
            str(body.get("username") or hook.app.name),
            [("icons", icons)] if icons else [],
        )
        thread = str(body["thread_ts"]) if body.get("thread_ts") else None
        message = self._core.workspace.post(channel, author, result, thread_ts=thread)
        self._core.posted(hook.app.bot_id, channel.id, message["ts"])
