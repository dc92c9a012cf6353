"""The seam where a storm gets in: rate limits, dropped connections, lost envelopes.

The default does nothing. A test or a bench derives from `Faults` and gives it to the local Slack.
"""

from typing import Any

from aiohttp import web


class Faults:
    """Asked before each step; what it answers decides what the bot under test sees."""

    async def before(
        self,
        method: str,  # noqa: ARG002 - a derived class looks at it
        args: dict[str, Any],  # noqa: ARG002
    ) -> web.StreamResponse | None:
        """Answer instead of the Web API method; None lets the call through."""
        return None

    async def after(
        self,
        method: str,  # noqa: ARG002
        args: dict[str, Any],  # noqa: ARG002
        answer: dict[str, Any],  # noqa: ARG002
    ) -> bool:
        """False drops the connection although the call has been carried out."""
        return True

    async def before_send(self, envelope: dict[str, Any]) -> bool:  # noqa: ARG002
        """False loses this envelope on its way; Slack itself believes that it was sent."""
        return True

    async def before_socket(self) -> int | None:
        """An HTTP status that refuses a WebSocket; None lets it in."""
        return None


def rate_limited(retry_after: int) -> web.Response:
    """Slack's 429; `retry_after` in seconds."""
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=429,
        headers={"Retry-After": str(retry_after)},
    )
