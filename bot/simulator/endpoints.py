"""The endpoints for an app or a sender: Web API, uploads, response_url, incoming webhooks."""

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from . import content
from .core import Call, Core
from .faults import Dropped, rate_limited
from .interactions import ResponseUrl
from .rates import Limited
from .refusal import Refusal
from .web_api import METHODS

JSON = dict[str, Any]

OPEN_METHODS = {"api.test"}
APP_TOKEN_METHODS = {"apps.connections.open"}


class Endpoints:
    """Handlers for aiohttp, over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def api(self, request: web.Request) -> web.StreamResponse:
        """One Web API call."""
        core = self._core
        method = request.match_info["method"]
        at = core.clock.now()
        args: JSON = {}
        try:
            args = await _arguments(request)
            self._authorize(method, request, args)
            instead = await core.faults.before(method, args) or self._too_often(method, args)
            if instead is not None:
                self._note(method, args, f"http_{instead.status}", at)
                self._note_limit(method, args, instead)
                return instead
            handler = METHODS.get(method)
            if handler is None:
                raise Refusal("unknown_method", req_method=method)
            answer = {"ok": True, **handler(core, args)}
        except Refusal as refusal:
            answer = refusal.answer()
        except Dropped:
            self._note(method, args, "dropped", at)
            raise _cut(request, "before the call was carried out") from None
        self._note(method, args, answer.get("error", ""), at)
        if method == "chat.postMessage" and answer["ok"]:
            core.posted(core.workspace.app.bot_id, answer["channel"], answer["ts"])
        if not await core.faults.after(method, args, answer):
            raise _cut(request, "after the call was carried out")
        response = _json(answer)
        if core.scopes is not None:
            response.headers["x-oauth-scopes"] = ",".join(core.scopes)
        return response

    def _authorize(self, method: str, request: web.Request, args: JSON) -> None:
        text = str(args.pop("token", None) or "")
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            text = header.removeprefix("Bearer ").strip()
        if method in OPEN_METHODS:
            return
        if not text:
            raise Refusal("not_authed")
        tokens = self._core.tokens
        if text not in (tokens.bot, tokens.app):
            raise Refusal("invalid_auth")
        if (text == tokens.app) != (method in APP_TOKEN_METHODS):
            raise Refusal("not_allowed_token_type")

    def _too_often(self, method: str, args: JSON) -> web.Response | None:
        core = self._core
        if core.limits is None:
            return None
        wait = core.limits.call(method, core.clock.now())
        if wait is None and method == "chat.postMessage":
            app, channel = core.workspace.app.bot_id, self._place(args)
            wait = core.limits.wait_to_post(app, channel, core.clock.now())
        return None if wait is None else rate_limited(wait)

    def _place(self, args: JSON) -> str:
        name = str(args.get("channel") or "")
        try:
            return self._core.workspace.channel(name).id
        except Refusal:
            return name

    def _note_limit(self, method: str, args: JSON, instead: web.StreamResponse) -> None:
        if instead.status == 429:
            wait = int(instead.headers.get("Retry-After", 0))
            now = self._core.clock.now()
            self._core.limited.append(Limited(now, method, self._place(args), wait))

    def _note(self, method: str, args: JSON, error: str, at: float) -> None:
        if self._core.calls is not None:
            self._core.calls.append(Call(method, args, not error, error, at))

    async def upload(self, request: web.Request) -> web.Response:
        """The second step of a file upload: raw bytes, or one part of a form."""
        file = self._core.files.get(request.match_info["file"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="no such upload")
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            part = next(iter(form.values()), "")
            file.content = (
                part.file.read() if isinstance(part, web.FileField) else str(part).encode()
            )
        else:
            file.content = await request.read()
        return web.Response(text=f"OK - {len(file.content)}")

    async def download(self, request: web.Request) -> web.Response:
        """An uploaded file, always as something to save and never as a page."""
        file = self._core.files.get(request.match_info["file"])
        if file is None or file.content is None:
            raise web.HTTPNotFound
        return web.Response(
            body=file.content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
        )

    async def response_url(self, request: web.Request) -> web.Response:
        """A bot answers through a response_url: five times in half an hour."""
        core = self._core
        try:
            body = await read_payload(request)
            record = core.interactions.spend(request.match_info["key"])
            respond(core, record, body)
        except Refusal as refusal:
            status = 404 if refusal.name in ("used_url", "expired_url") else 400
            return _json(refusal.answer(), status=status)
        return web.Response(text="ok")


def respond(core: Core, record: ResponseUrl, body: JSON) -> None:
    """Do what a body sent to a response_url, or carried by an ack, asks for."""
    channel = core.workspace.channel(record.channel)
    original = record.message_ts
    if body.get("delete_original") in (True, "true") and original:
        if record.ephemeral:
            core.workspace.ephemerals.get(record.user, {}).pop(original, None)
            core.workspace.touched(channel, original, record.user)
        else:
            core.workspace.delete(channel, original)
        return
    result = content.kept_content(body)
    if body.get("replace_original") in (True, "true") and original:
        record.responses.append({**result, "replace_original": True})
        if record.ephemeral:
            core.workspace.replace_ephemeral(channel, record.user, original, result)
        else:
            editor = core.workspace.app.user_id
            core.workspace.edit(channel, original, {"blocks": None, **result}, editor=editor)
        return
    thread = str(body["thread_ts"]) if body.get("thread_ts") else None
    in_channel = body.get("response_type") == "in_channel"
    record.responses.append(
        {**result, "response_type": "in_channel" if in_channel else "ephemeral"}
    )
    if in_channel:
        core.workspace.post(channel, core.workspace.our_author(), result, thread_ts=thread)
    else:
        core.workspace.post_ephemeral(channel, record.user, result, thread)
    core.workspace.touched(channel, "", record.user)


def _cut(request: web.Request, when: str) -> ConnectionResetError:
    """Break the connection; aiohttp takes the error that comes back for the client's own doing."""
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError(f"dropped on purpose, {when}")


async def _arguments(request: web.Request) -> JSON:
    args: JSON = dict(request.query)
    if request.method == "POST" and request.can_read_body:
        kind = request.content_type
        if kind == "application/json":
            try:
                data = json.loads(await request.read())
            except ValueError:
                raise Refusal("invalid_json") from None
            if not isinstance(data, dict):
                raise Refusal("json_not_object")
            args |= {name: value for name, value in data.items() if value is not None}
        elif kind == "application/x-www-form-urlencoded":
            raw = (await request.read()).decode("utf-8", "replace")
            args |= dict(parse_qsl(raw, keep_blank_values=True))
        elif kind == "multipart/form-data":
            args |= {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        else:
            raise Refusal("invalid_post_type")
    return args


async def read_payload(request: web.Request) -> JSON:
    """The JSON body, or the `payload` field of a form; Refusal `invalid_payload`."""
    raw = (await request.read()).decode("utf-8", "replace")
    if request.content_type == "application/x-www-form-urlencoded":
        raw = dict(parse_qsl(raw, keep_blank_values=True)).get("payload", "")
    try:
        data = json.loads(raw)
    except ValueError:
        raise Refusal("invalid_payload") from None
    if not isinstance(data, dict):
        raise Refusal("invalid_payload")
    return data


def _json(answer: JSON, *, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(answer).encode(),
        status=status,
        content_type="application/json",
        charset="utf-8",
    )
