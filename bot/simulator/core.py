"""The parts of the local Slack that its doors share."""

from dataclasses import dataclass, field
from typing import Any

from bot.simulator.clock import Clock
from bot.simulator.faults import Faults
from bot.simulator.interactions import Interactions
from bot.simulator.manifest import Manifest
from bot.simulator.sockets import Links
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace

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


@dataclass(eq=False)
class Core:
    """Everything behind the doors."""

    clock: Clock
    tokens: Tokens
    workspace: Workspace
    links: Links
    interactions: Interactions
    views: Views
    faults: Faults
    manifest: Manifest
    base_url: str = ""
    files: dict[str, File] = field(default_factory=dict)
    calls: list[Call] | None = None

    def ws_url(self, ticket: str) -> str:
        """The one-time address of a Socket Mode link."""
        host = self.base_url.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self.workspace.app.app_id}"
