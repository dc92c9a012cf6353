"""What a remediation needs before it may run: the policy's rules applied to one case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypeVar

from bot.approvals.segment import Remediate, Rule, Window
from bot.incidents.remediation import risk_of

T = TypeVar("T")

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be decided on. `seen`: the target is named by this incident's own alerts.

    `asked_by` is the Slack user who asked, '' when the SOP did.
    """

    action_id: str
    risk: str
    environment: str
    targets: int = 1
    seen: bool = True
    asked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the policy asks for. `needed` 0 means that nobody is asked (see `auto_approve`)."""

    approvers: tuple[str, ...]
    needed: int
    ttl: timedelta
    reason_required: bool
    only_in_windows: bool


def demand(policy: Remediate, case: Case) -> Demand:
    """The first rule that fits decides; what it leaves out comes from the segment's own keys.

    No rule makes a two-person action need fewer than two, or lets an approval in a critical
    environment live longer than `critical_ttl_seconds`.
    """
    rule = next((rule for rule in policy.rules if _fits(rule, case)), Rule())
    needed = _or(rule.approvals_required, policy.approvals_required)
    two_person = _any(case.action_id, policy.two_person_actions)
    if two_person:
        needed = max(needed, 2)
    seconds = _or(rule.approval_ttl_seconds, policy.approval_ttl_seconds)
    if _any(case.environment, policy.critical_environments):
        seconds = min(seconds, policy.critical_ttl_seconds)
    alone = _any(case.action_id, policy.auto_approve) and case.seen and not case.asked_by
    return Demand(
        approvers=_or(rule.approvers, policy.approvers),
        needed=0 if alone and not two_person else needed,
        ttl=timedelta(seconds=seconds),
        reason_required=_or(rule.reason_required, policy.reason_required),
        only_in_windows=_or(rule.only_in_windows, policy.only_in_windows),
    )


def _fits(rule: Rule, case: Case) -> bool:
    return (
        risk_of(case.risk).rank >= rule.risk_at_least.rank
        and case.targets >= rule.targets_at_least
        and _any(case.environment, rule.environments)
        and _any(case.action_id, rule.actions)
    )


def _any(name: str, globs: Iterable[str]) -> bool:
    """Whether a name fits one of the globs, upper and lower case alike."""
    return any(fnmatchcase(name.strip().lower(), glob.strip().lower()) for glob in globs)


def _or(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given


def in_window(windows: Iterable[Window], now: datetime) -> bool:
    """Whether one of the maintenance windows is open at `now` (UTC)."""
    return any(_is_open(window, now) for window in windows)


def _is_open(window: Window, now: datetime) -> bool:
    today, yesterday = WEEK[now.weekday()], WEEK[now.weekday() - 1]
    at = now.time()
    if window.start < window.end:
        return today in window.days and window.start <= at < window.end
    # Past midnight: the evening belongs to its own day, the morning to the day before.
    return (today in window.days and at >= window.start) or (
        yesterday in window.days and at < window.end
    )


def windows_in_words(windows: Iterable[Window]) -> str:
    """`sun 02:00-04:00 UTC`; 'never' without any."""
    return (
        "; ".join(
            f"{','.join(one.days) if len(one.days) < len(WEEK) else 'every day'}"
            f" {one.start:%H:%M}-{one.end:%H:%M} UTC"
            for one in windows
        )
        or "never"
    )
