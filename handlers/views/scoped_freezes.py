"""The freeze of one incident or one target, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.approvals import freeze_scopes
from bot.approvals.model import Freeze
from bot.language import _, plural
from handlers.views.text import ago, clock, line, typed


def answer(scope: str, freeze: Freeze, blocked: int, *, is_new: bool) -> str:
    """The answer to the person who froze; `blocked` approvals of that scope wait for a vote."""
    if not is_new:
        return f"{_('It was frozen already.')} {frozen_line(scope, freeze)}"
    text = _(
        "🧊 Frozen: no action of {scope} runs until an approver types {command}. {waiting} now."
    )
    waiting = plural(
        blocked, "{count} waiting approval is blocked", "{count} waiting approvals are blocked"
    )
    return text.format(scope=_name(scope), command=_command(scope), waiting=waiting)


def unknown_target(name: str, near: Sequence[str]) -> str:
    """A warning that the gateway lists no such target, with the names that are close to it."""
    text = _("⚠️ The gateway lists no target {name}, so this freeze may block nothing.").format(
        name=typed(name)
    )
    if not near:
        return text
    names = ", ".join(typed(close) for close in near)
    return f"{text} {_('Did you mean {names}?').format(names=names)}"


def ended(scope: str, freeze: Freeze | None, now: datetime) -> str:
    """The answer to `/incident unfreeze` with a scope."""
    if freeze is None:
        return _("{scope} is not frozen, so nothing was unfrozen.").format(scope=_name(scope))
    text = _("Unfrozen: actions of {scope} may run again. It was frozen by <@{by}> for {duration}.")
    return text.format(scope=_name(scope), by=freeze.by, duration=ago(freeze.at, now))


def frozen_line(scope: str, freeze: Freeze) -> str:
    """One line: what is frozen, by whom, since when and why, and how to end it."""
    why = f": {line(freeze.reason, 200)}" if freeze.reason else ""
    text = _("🧊 {scope} is frozen by <@{by}> since {at}{why}. {command} unblocks.")
    return text.format(
        scope=_name(scope), by=freeze.by, at=clock(freeze.at), why=why, command=_command(scope)
    )


def frozen_lines(frozen: Mapping[str, Freeze], most: int = 10) -> list[str]:
    """A line for each frozen incident and target."""
    lines = [frozen_line(scope, freeze) for scope, freeze in list(frozen.items())[:most]]
    if len(frozen) > most:
        lines.append(_("… and {count} more").format(count=len(frozen) - most))
    return lines


def _name(scope: str) -> str:
    return typed(freeze_scopes.name_of(scope))


def _command(scope: str) -> str:
    return typed(f"/incident unfreeze {freeze_scopes.name_of(scope)}")
