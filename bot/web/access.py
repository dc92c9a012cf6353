"""Restricts the HTTP endpoints to the bearer of the token, and refuses browser pages."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.serving.hosts import is_local_name
from bot.web.errors import problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A load balancer has no token, and the answer reveals nothing.
OPEN = frozenset({"/healthz", "/readyz"})
TRUSTED = web.RequestKey("trusted", bool)
"""True if the caller has the token or needs none: then an answer may give the reason."""


def bearer_only(tokens: Sequence[str]) -> Middleware:
    """Return the middleware that refuses requests without a token or from a browser page.

    Each of `tokens` that is not empty is valid. Without any only this machine can reach the
    endpoints, so only its own names are accepted.
    """

    expected = [f"Bearer {token}".encode() for token in tokens if token]

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Origin" in request.headers:
            return problem(403, "origin", "This endpoint is for programs, not for web pages.")
        if not expected and not is_local_name(request.host):
            sentence = "Without HTTP_TOKEN only 127.0.0.1, [::1] and localhost are answered."
            return problem(421, "misdirected", sentence)
        authorization = request.headers.get("Authorization", "").encode("utf-8", "replace")
        # Compares with all of them, so that timing reveals nothing.
        matches = [hmac.compare_digest(authorization, each) for each in expected]
        request[TRUSTED] = not expected or any(matches)
        if not request[TRUSTED] and request.path not in OPEN:
            return problem(
                401,
                "unauthorized",
                "Send `Authorization: Bearer <HTTP_TOKEN>`.",
                {"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return check
