"""The topics of commits: a topic wakes the steps that wait for it, in every replica."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """A value travels between replicas in a NOTIFY: one word that never changes."""

    OUTBOX = "outbox"
    ADVICE = "advice"
    ADVICE_GIVEN = "advised"
    ANSWERED = "answered"  # an equal question of another replica
    PROPOSE = "propose"
    DISPATCH = "dispatch"
    APPROVALS = "approvals"
    STORE = "store"  # whether the store takes writes: set by the engine, not by a commit
    CONFIGURATION = "configuration"  # a reload, taken or refused: set by the bot, not by a commit
