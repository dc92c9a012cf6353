"""A message as a reader sees it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import reading
from .mrkdwn import Names

JSON = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """A message as it stood when it was read; `data` is Slack's own form."""

    channel: str
    data: JSON
    names: Names

    @property
    def ts(self) -> str:
        """Its time, which is also its name."""
        return str(self.data["ts"])

    @property
    def thread_ts(self) -> str:
        """The root of its thread; its own ts when it has none."""
        return str(self.data.get("thread_ts", self.data["ts"]))

    @cached_property
    def text(self) -> str:
        """Everything a person can read in it: text, blocks, attachments."""
        return reading.full_text(self.data, self.names)

    @property
    def buttons(self) -> list[str]:
        """The visible texts of its buttons."""
        return reading.buttons(self.data)

    @property
    def is_app(self) -> bool:
        """True if an app wrote it."""
        return bool(self.data.get("bot_id"))

    @property
    def metadata(self) -> JSON:
        """Its metadata; empty when there is none."""
        return dict(self.data.get("metadata") or {})

    @property
    def reactions(self) -> dict[str, int]:
        """The number of reactions, by emoji."""
        return {r["name"]: r["count"] for r in self.data.get("reactions", ())}

    def __getitem__(self, name: str) -> Any:
        return self.data[name]
