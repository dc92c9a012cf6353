"""The parts of the local Slack that its endpoints share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from .chaos import Chaos
from .clock import Clock
from .faults import Chain, Struck
from .interactions import Interactions
from .manifest import Manifest
from .rates import Limited, Posted, RateLimits
from .script import Script
from .sockets import Links
from .views import Views
from .workspace import Workspace

JSON = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One Web API call: what was asked, how it ended, and when (Unix seconds)."""

    method: str
    args: JSON
    ok: bool
    error: str
    at: float


@dataclass(eq=False)
class File:
    """An uploaded file."""

    id: str
    name: str
    user: str
    content: bytes | None = None
    title: str = ""


@dataclass(frozen=True)
class Tokens:
    """The credentials of the app under test; made up at start, good for nothing else."""

    app: str = field(repr=False)
    bot: str = field(repr=False)

    @classmethod
    def random(cls, app_id: str) -> Tokens:
        """Make up the tokens of one workspace."""
        return cls(
            app=f"xapp-1-{app_id}-{secrets.token_hex(16)}",
            bot=f"xoxb-{secrets.token_hex(6)}-{secrets.token_hex(12)}",
        )


@dataclass(eq=False)
class Core:
    """Everything behind the endpoints."""

    clock: Clock
    tokens: Tokens
    workspace: Workspace
    links: Links
    interactions: Interactions
    views: Views
    faults: Chain
    script: Script
    manifest: Manifest
    limits: RateLimits | None = None
    chaos: Chaos | None = None
    struck: list[Struck] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    limited: list[Limited] = field(default_factory=list)
    base_url: str = ""
    files: dict[str, File] = field(default_factory=dict)
    calls: list[Call] | None = None
    scopes: tuple[str, ...] | None = None

    def ws_url(self, ticket: str) -> str:
        """The one-time address of a Socket Mode link."""
        host = self.base_url.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self.workspace.app.app_id}"

    def unleash(self, chaos: Chaos | None) -> None:
        """Begin chaos in place of the chaos before; None ends it."""
        if self.chaos is not None:
            self.faults.remove(self.chaos)
        self.chaos = chaos
        if chaos is not None:
            self.faults.add(chaos)

    def wait_to_post(self, method: str, app: str, channel: str) -> int | None:
        """Whole seconds until this post may be made, noted as a 429; None when it may be now."""
        now = self.clock.now()
        wait = None if self.limits is None else self.limits.wait_to_post(app, channel, now)
        if wait is not None:
            self.limited.append(Limited(now, method, channel, wait))
        return wait

    def posted(self, app: str, channel: str, ts: str) -> None:
        """Note a post that was accepted."""
        now = self.clock.now()
        if self.limits is not None:
            self.limits.posted(app, channel, now)
        self.posts.append(Posted(now, channel, app, ts))
