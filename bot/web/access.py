"""Who may use the HTTP door: the bearer of the token, and no page in a browser."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.serving.hosts import is_local_name
from bot.web.errors import problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/healthz", "/readyz"})  # a load balancer has no token, and learns nothing
TRUSTED = web.RequestKey("trusted", bool)
"""Whether the caller has the token, or needs none: then an answer may say why."""


def bearer_only(token: str) -> Middleware:
    """Refuse what lacks the token, and every request that a page makes.

    Without a token the door is open to this machine alone, so only its own names are taken.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Origin" in request.headers:
            return problem(403, "origin", "This door is for programs, not for pages.")
        if not token and not is_local_name(request.host):
            sentence = "Without HTTP_TOKEN only 127.0.0.1, [::1] and localhost are answered."
            return problem(421, "misdirected", sentence)
        given = request.headers.get("Authorization", "")
        expected = f"Bearer {token}"
        request[TRUSTED] = not token or hmac.compare_digest(
            given.encode("utf-8", "replace"), expected.encode()
        )
        if not request[TRUSTED] and request.path not in OPEN:
            return problem(
                401,
                "unauthorized",
                "Send `Authorization: Bearer <HTTP_TOKEN>`.",
                {"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return check
