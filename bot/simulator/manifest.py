"""Reads an app manifest: its commands, shortcuts and event subscriptions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Shortcut:
    """A shortcut; kind is `message` or `global`."""

    name: str
    kind: str
    callback_id: str


@dataclass(frozen=True)
class Manifest:
    """None means: not declared, so everything is let through."""

    commands: dict[str, bool] | None = None
    shortcuts: tuple[Shortcut, ...] = ()
    events: frozenset[str] | None = None
    scopes: tuple[str, ...] | None = None

    def should_escape(self, command: str) -> bool:
        """True if Slack escapes the mentions and links in this command's text."""
        return True if self.commands is None else self.commands.get(command, True)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest file (YAML or JSON); OSError or ValueError when it cannot be read."""
    result = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(result, dict):
        raise ValueError(f"{path}: a manifest must be a mapping")
    return from_mapping(result)


def from_mapping(fields: dict[str, Any]) -> Manifest:
    """The parts of a manifest that change what the bot is sent."""
    features = fields.get("features") or {}
    subscriptions = (fields.get("settings") or {}).get("event_subscriptions") or {}
    return Manifest(
        commands={
            str(c["command"]): bool(c.get("should_escape", False))
            for c in features.get("slash_commands") or ()
        },
        shortcuts=tuple(
            Shortcut(str(s["name"]), str(s["type"]), str(s["callback_id"]))
            for s in features.get("shortcuts") or ()
        ),
        events=frozenset(str(e) for e in subscriptions.get("bot_events") or ()),
        scopes=tuple(str(s) for s in _bot_scopes(fields)),
    )


def _bot_scopes(fields: dict[str, Any]) -> list[Any]:
    scopes = (fields.get("oauth_config") or {}).get("scopes") or {}
    return list(scopes.get("bot") or ())
