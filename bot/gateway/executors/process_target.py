"""The target model of a supervised process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.gateway.ourselves import runs_us
from bot.gateway.parts import Argument, EnvName, HttpUrl, Target, User


class ProcessTarget(Target):
    """A process that the gateway itself starts and supervises.

    `argv` is a list, never a shell line. `user` is the user that it runs as, with only that user's
    groups; '' is the gateway's own user.
    """

    executor: Literal["process"]
    argv: list[Argument] = Field(min_length=1)
    user: User = ""
    cwd: Path | None = None
    env: dict[EnvName, Argument] = Field(default_factory=dict)
    pass_env: list[EnvName] = Field(default_factory=lambda: ["PATH", "HOME", "LANG", "TZ"])
    health_url: HttpUrl | None = None
    autostart: bool = True
    start_seconds: float = Field(default=30, gt=0, le=300)

    def acts_on_us(self, names: Collection[str]) -> str:  # noqa: ARG002 - Target has the parameter
        """Refuse an argv that starts the bot or a gateway."""
        return (
            "argv: starts the bot or its gateway; they never act on it"
            if runs_us(self.argv)
            else ""
        )

    @property
    def inherited(self) -> Sequence[str]:
        """Return `pass_env`."""
        return self.pass_env

    @property
    def runs_as_gateway(self) -> bool:
        """Return True without a `user`."""
        return not self.user
