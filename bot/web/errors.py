"""Turns every error into HTTP: `{"error": {"code", "message"}}` and a status.

No other code does.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.errors import (
    AdvisorBusy,
    AdvisorError,
    InputError,
    NotFound,
    Refused,
    SopbotError,
    StoreError,
    TooLarge,
)
from bot.serving.connections import caller_is_gone

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The first match wins; an AdvisorError of kind "timeout" is 504.
_STATUS: tuple[tuple[type[SopbotError], int, str], ...] = (
    (TooLarge, 413, "too_large"),
    (InputError, 400, "invalid"),
    (NotFound, 404, "not_found"),
    (Refused, 403, "refused"),
    (AdvisorBusy, 503, "saturated"),
    (AdvisorError, 502, "advisor_failed"),
    (StoreError, 503, "store_unavailable"),
)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every refusal as JSON with a sentence, without internals."""
    try:
        return await handler(request)
    except SopbotError as error:
        return _refusal(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = "too_large" if error.status == 413 else error.reason.lower().replace(" ", "_")
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return problem(error.status, code, error.text or error.reason, headers)
    except Exception as error:  # the caller gets JSON, the log gets the traceback
        if isinstance(error, ConnectionError) and caller_is_gone(request):
            raise
        log.exception("%s %s failed", request.method, request.rel_url.path)
        return problem(500, "internal", "Something went wrong inside the bot. The log has more.")


def _refusal(error: SopbotError) -> web.Response:
    status, code = next(
        ((status, code) for kind, status, code in _STATUS if isinstance(error, kind)),
        (500, "internal"),
    )
    headers = {}
    if isinstance(error, AdvisorError):
        if error.kind == "timeout":
            status, code = 504, "timeout"
        if error.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(error.retry_after))
    elif isinstance(error, StoreError):
        headers["Retry-After"] = "5"
    return problem(status, code, str(error), headers)


def problem(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an error answer."""
    body = json.dumps({"error": {"code": code, "message": message}})
    return web.Response(
        status=status, text=body, content_type="application/json", headers=headers or {}
    )
