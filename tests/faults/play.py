"""Plays one fault from the alert to the record, and judges it by what really happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from bot.response.gateway_evidence import EVIDENCE
from bot.simulator import Message
from tests.faults.fault import Fault, State
from tests.faults.stage import APPROVER, Stage
from tests.helpers.waiting import until

_PROBE_SECONDS = 0.05
_HELPED = "Checked: it helped"
# The last step of a result that will not change any more.
_ENDS = ("Checked: ", "Did not run, or failed", "Sent; the outcome is unknown", "Not sent")


@dataclass
class Verdict:
    """The observations of the run about one fault.

    `own_seconds` is the time from the press to "Verified" without that of the system: from the
    request's arrival at the gateway until both its answer and the system's health are there.
    """

    fault: Fault
    system: str
    right_target: bool = False
    wrong: list[str] = field(default_factory=list)
    verified: bool = False
    untrue: bool = False
    seconds: float = 0.0
    own_seconds: float = 0.0
    evidence: str = ""
    problem: str = ""

    @property
    def is_good(self) -> bool:
        clean = self.right_target and self.verified and not self.wrong and not self.untrue
        return clean and not self.problem


async def play(stage: Stage, fault: Fault) -> Verdict:
    """Break the system, and let the bot, its gateway and an approver repair it."""
    system = next(s.name for s in stage.systems if fault in s.faults)
    verdict = Verdict(fault, system)
    try:
        await _play(stage, fault, verdict)
    except Exception as error:  # noqa: BLE001 - one fault that breaks must not stop the others
        verdict.problem = f"{type(error).__name__}: {error}"
    finally:
        await asyncio.to_thread(fault.clean)
    return verdict


async def _play(stage: Stage, fault: Fault, verdict: Verdict) -> None:
    cards, runs = len(stage.cards()), len(stage.executions())
    await asyncio.to_thread(fault.break_it)
    assert not await asyncio.to_thread(fault.probe), "the fault does not show"
    before = await stage.state()
    await stage.send_alert(fault)
    card = await stage.slack.wait_for(
        lambda: stage.cards()[cards] if len(stage.cards()) > cards else None, why="a card"
    )
    approval = await stage.slack.wait_for(
        lambda: _first(stage.replies(card, "approval")), why="an approval card"
    )
    known = await stage.slack.wait_for(
        lambda: _first(stage.replies(card, "evidence")), why="what is known"
    )
    verdict.evidence = known.text
    verdict.wrong += differences(before, await stage.state(), ())
    pressed, healthy = time.time(), asyncio.create_task(_when_healthy(fault))
    try:
        await stage.slack.as_user(APPROVER).press(approval, "Approve")
        result = await stage.slack.wait_for(
            lambda: ended(stage.replies(card, "result")), timeout=120, why="a verdict"
        )
        verified = time.time()
        verdict.verified = _last_step(result) == _HELPED
        verdict.untrue = verdict.verified and not await asyncio.to_thread(fault.probe)
    finally:
        healthy.cancel()
    verdict.wrong += differences(before, await stage.state(), fault.changes)
    ran = [run for run in stage.executions()[runs:] if run[0].split(".")[-1] not in EVIDENCE]
    verdict.right_target = [run[:2] for run in ran] == [(fault.action, fault.target)]
    if not verdict.verified:
        verdict.problem = result.text
        return
    received, finished = (datetime.fromisoformat(text).timestamp() for text in ran[0][2:4])
    well = healthy.result() if healthy.done() and not healthy.cancelled() else verified
    verdict.seconds = verified - pressed
    verdict.own_seconds = verdict.seconds - (max(finished, min(well, verified)) - received)
    await stage.send_alert(fault, is_over=True)
    await stage.slack.wait_for(
        lambda: _first(stage.replies(card, "resolved")), why="the end of the incident"
    )


async def _when_healthy(fault: Fault) -> float:
    """Return the time at which the real system is healthy again."""
    await until(
        lambda: asyncio.to_thread(fault.probe),
        seconds=150,
        why="the system is healthy",
        every=_PROBE_SECONDS,
    )
    return time.time()


def _first(messages: list[Any]) -> Any:
    return messages[0] if messages else None


def ended(results: Sequence[Message]) -> Message | None:
    """Return the first result whose steps have ended.

    Its title and its output may hold any word, so only the bot's own steps count.
    """
    return next((m for m in results if _last_step(m).startswith(_ENDS)), None)


def _last_step(result: Message) -> str:
    plans = [block for block in result.data["blocks"] if block["type"] == "plan"]
    return str(plans[0]["tasks"][-1]["title"])


def differences(before: State, after: State, changes: tuple[str, ...]) -> list[str]:
    """Return each object that differs, without those that may."""
    return [
        f"{key}: {before.get(key)} → {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and not any(fnmatchcase(key, glob) for glob in changes)
    ]
