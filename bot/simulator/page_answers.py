"""Makes the pages' responses, with their headers and error texts; refuses strangers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from . import reading
from .refusal import Refusal

JSON = dict[str, Any]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
WORDS = {
    "dispatch_failed": "The app is not connected.",
    "operation_timeout": "The app did not answer within 3 seconds.",
    "not_in_channel": "You are not in this channel.",
    "no_text": "There is nothing to send.",
}


def own_hosts(base_url: str) -> set[str]:
    """The Host values that a request for the page may have."""
    host = base_url.removeprefix("http://")
    port = host.rpartition(":")[2]
    return {host, f"localhost:{port}"}


@web.middleware
async def refuse_strangers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other Host names (DNS rebinding) and requests that other sites' pages send."""
    hosts = own_hosts(request.app[BASE_URL]())
    if request.host not in hosts:
        return web.Response(status=421, text="unknown host")
    origin = request.headers.get("Origin")
    if origin is not None and origin.removeprefix("http://") not in hosts:
        return web.Response(status=403, text="cross-origin request refused")
    return await handler(request)


BASE_URL: web.AppKey[Any] = web.AppKey("BASE_URL")


async def own_words(
    request: web.Request, do: Callable[[str, JSON], Awaitable[str | None]]
) -> web.Response:
    """Carry out a request of one of our own pages; the answer says as text whether it worked.

    `do` gets what was asked and its particulars, and answers with a problem or None.
    """
    if request.content_type != "application/json" or "Origin" not in request.headers:
        return web.Response(status=403, text="only this page may ask for this")
    try:
        data = json.loads(await request.read())
        problem = await do(request.match_info["what"], data)
    except Refusal as refusal:
        problem = WORDS.get(refusal.name, refusal.name)
    except (reading.NotThereError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        return as_json({"ok": False, "error": f"That cannot be done: {wrong}"}, status=400)
    return as_json({"ok": True} if problem is None else {"ok": False, "error": problem})


def as_json(answer: JSON, *, status: int = 200) -> web.Response:
    """JSON with the pages' headers."""
    return web.Response(
        body=json.dumps(answer).encode(),
        status=status,
        content_type="application/json",
        headers=HEADERS,
    )
