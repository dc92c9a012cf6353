"""Reads a JSON body; a body over the limit, or not JSON or UTF-8, is refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.errors import InputError, TooLarge
from bot.fast_json import loads

BODY_LIMIT = 1_048_576  # bytes


async def body_bytes(request: web.Request) -> bytes:
    """Return the raw body. Raises TooLarge over 1 MiB."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge from error
    except web.RequestPayloadError as error:  # such as a chunk whose size is wrong
        raise InputError("The body is not what its headers say.", field="body") from error


async def json_body(request: web.Request) -> Any:
    """Return the body as JSON. Raises TooLarge over 1 MiB, InputError if it is not JSON."""
    return json_of(await body_bytes(request))


async def alert_body(request: web.Request) -> Any:
    """Return the body of an alert: JSON, or plain text as a string.

    Some senders (SNS, scripts) post JSON as text/plain, so text is tried as JSON first. Raises
    TooLarge over 1 MiB; InputError if the body claims to be JSON and is not.
    """
    return alert_of(await body_bytes(request), request.content_type)


def alert_of(data: bytes, content_type: str) -> Any:
    """Decode the body of an alert as `alert_body` does; InputError as there."""
    if not content_type.startswith("text/"):
        return json_of(data)
    try:
        return json_of(data)
    except InputError:
        return data.decode("utf-8", "replace")


async def incident_body(request: web.Request) -> Any:
    """Return the body of a question: JSON, or plain text as the prompt.

    The incident key and the SOP ID of a plain text stand in the query. Raises as `alert_body`.
    """
    body = await alert_body(request)
    if isinstance(body, dict) or not request.content_type.startswith("text/"):
        return body
    text = (await body_bytes(request)).decode("utf-8", "replace")
    query = request.query
    return {"prompt": text} | {
        name: query[name] for name in ("incident_key", "sop_id") if name in query
    }


def json_of(data: bytes) -> Any:
    """Parse the bytes of a body as JSON, or raise InputError."""
    try:
        return loads(data)
    except UnicodeDecodeError as error:
        raise InputError("The body is not UTF-8.", field="body") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            field="body",
        ) from error
    except ValueError as error:  # Python parses no number with more than 4,300 digits
        raise InputError("The body holds a number that is too long.", field="body") from error
    except RecursionError as error:
        raise InputError("The body is nested too deeply.", field="body") from error
