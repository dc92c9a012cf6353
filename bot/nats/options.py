"""The options of the NATS connection, and the names of what the bot uses there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsOptions:
    """The address of the server. `stream` is created if no stream takes a subject.

    `consumer` begins the names of the durable consumers: bots on one store share them.
    """

    servers: tuple[str, ...]
    stream: str
    consumer: str
    user: str = ""
    password: str = field(default="", repr=False)
    credentials: str = field(default="", repr=False)
