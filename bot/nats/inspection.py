"""Looks at the server without changing anything, for `python -m bot check`."""

from __future__ import annotations

import asyncio

import nats
from nats.js.errors import ServiceUnavailableError

from bot.errors import OutsideError
from bot.nats.options import NatsOptions
from bot.nats.session import API_SECONDS, close, connect, text_of
from bot.nats.streams import Layout, layout

_ADDRESS = "start the server, or correct NATS_URL, NATS_USER or NATS_CREDS_FILE"


async def inspect(options: NatsOptions) -> Layout:
    """Return what the server has. OutsideError: why the bot cannot work with it."""
    noted: list[str] = []

    async def note(error: Exception) -> None:
        noted.append(text_of(error))

    try:
        client = await connect(options, asyncio.Event(), note)
    except OutsideError as error:
        raise OutsideError(error.message, remedy=_ADDRESS) from error
    try:
        js = client.jetstream(timeout=API_SECONDS)
        existing = await layout(js, options.stream, options.consumer)
        for source in existing.sources:
            try:
                await js.consumer_info(source.stream, source.durable)
            except nats.js.errors.NotFoundError:  # the first start creates it
                continue
        return existing
    except ServiceUnavailableError as error:
        raise OutsideError(
            "the server has no JetStream", remedy="enable it (`jetstream {}`)"
        ) from error
    except nats.errors.Error as error:
        raise OutsideError(noted[0] if noted else text_of(error)) from error
    finally:
        await close(client)
