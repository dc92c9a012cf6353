"""Each list of the bot's wiring, compared with a literal table: nothing falls out unnoticed.

When a table differs, either something was lost, or it is new and belongs into the table.
"""

from __future__ import annotations

import asyncio
import gc
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

import handlers
from bot.incidents.sops import SopLibrary
from bot.policy import Policy
from bot.steps.runner import OVERLAPPING
from bot.steps.step import Replicas
from store.topics import Topic
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, World, restart_sop

pytestmark = pytest.mark.one_engine

EACH, ONE = Replicas.EACH, Replicas.ONE
OVERLAPS, ALONE = True, False  # it begins again while an earlier run waits, or only after it

STEPS = {
    "advise": (Topic.ADVICE, 1, EACH, ALONE),
    "propose": (Topic.PROPOSE, 1, EACH, ALONE),
    "dispatch": (Topic.DISPATCH, 1, EACH, ALONE),
    "approvals": (Topic.APPROVALS, None, EACH, ALONE),
    "reload notice": (Topic.CONFIGURATION, 1, EACH, ALONE),
    "watch store": (Topic.STORE, None, EACH, ALONE),
    "expire_approvals": (None, 2, ONE, ALONE),
    "report_unanswered": (None, 5, ONE, ALONE),
    "end_flapping": (None, 15, ONE, ALONE),
    "end_stale": (None, 60, ONE, ALONE),
    "end_silences": (None, 5, ONE, ALONE),
    "remind_of_actions": (None, 60, ONE, ALONE),
    "report_late_handovers": (None, 15, ONE, ALONE),
    "export_postmortems": (None, 5, ONE, ALONE),
    "verify": (None, 1, ONE, OVERLAPS),
    "look_up_unknown": (None, 3, ONE, OVERLAPS),
    "recover": (None, 1, EACH, OVERLAPS),
    "follow": (None, 2, EACH, ALONE),
    "retry_outbox": (None, 5, EACH, ALONE),
    "watch_health": (None, 10, EACH, ALONE),
    "post_audit_head": (None, 60, ONE, ALONE),
    "self_audit": (None, 60, EACH, ALONE),
    "read_back": (None, 300, ONE, ALONE),
    "poll_logs": (None, 1, EACH, ALONE),
    "poll_commands": (None, 1, EACH, ALONE),
    "run_detectors": (None, 5, ONE, ALONE),
    "sync_silences": (None, 15, ONE, ALONE),
    "acknowledge_at_sources": (None, 3, ONE, ALONE),
    "notify_outside": (None, 5, ONE, ALONE),
    "send_heartbeat": (None, 5, EACH, ALONE),
    "send_digests": (None, 15, ONE, ALONE),
    "refresh_homes": (None, 5, ONE, ALONE),
    "refresh_actions": (None, 60, EACH, ALONE),
    "observe_service_levels": (None, 5, ONE, ALONE),
    "summarise_hours": (None, 60, ONE, ALONE),
    "prune": (None, 3600, ONE, ALONE),
}

SETTLED = [
    "recover",
    "look_up_unknown",
    "verify",
    "expire_approvals",
    "report_unanswered",
    "end_flapping",
    "end_stale",
    "end_silences",
    "remind_of_actions",
    "report_late_handovers",
    "export_postmortems",
    "retry_outbox",
    "post_audit_head",
    "summarise_hours",
    "prune",
]

VITAL, TOLD = True, False  # the bot is not ready without it, or only says how it stands

HEALTH_CHECKS = {
    "store": VITAL,
    "slack": VITAL,
    "outbox": VITAL,
    "gateway": VITAL,
    "audit trail": TOLD,
    "work": TOLD,
}

TASKS = {
    "advise",
    "approvals",
    "dispatch",
    "heartbeat",
    "outbox",
    "propose",
    "backfill",
    "reload notice",
    "socket 0",
    "socket 1",
    "watch store",
}

LISTENERS = [
    ("middleware", "HomeOnly", ""),
    ("middleware", "Provide", ""),
    ("error", "", "listeners.errors.register.<locals>.failed"),
    ("action", "sopbot.approve", "listeners.approvals.approve"),
    ("action", "sopbot.reject", "listeners.approvals.reject"),
    ("action", "sopbot.dry_run", "listeners.approvals.dry_run"),
    ("action", "sopbot.edit", "listeners.approvals.edit"),
    ("action", "sopbot.check_again", "listeners.approvals.check_again"),
    ("action", "sopbot.by_hand", "listeners.approvals.by_hand"),
    ("action", "sopbot.did_not_run", "listeners.approvals.did_not_run"),
    ("action", "sopbot.cancel_run", "listeners.approvals.cancel_run"),
    ("action", "sopbot.undo", "listeners.approvals.undo"),
    ("action", "sopbot.try_again", "listeners.approvals.try_again"),
    ("view", "sopbot.reason_modal", "listeners.approvals.reasoned"),
    ("view", "sopbot.edit_modal", "listeners.approvals.edited"),
    ("action", "sopbot.acknowledge", "listeners.incidents.acknowledge"),
    ("action", "sopbot.resolve", "listeners.incidents.resolve"),
    ("view", "sopbot.resolve_modal", "listeners.incidents.confirmed"),
    ("action", "sopbot.reopen", "listeners.incidents.reopen"),
    ("action", "sopbot.still_going_on", "listeners.incidents.still_going_on"),
    ("action", "sopbot.ask", "listeners.incidents.ask"),
    ("view", "sopbot.ask_modal", "listeners.incidents.question_submitted"),
    ("action", "sopbot.alerts.back", "listeners.incidents.turn_back"),
    ("action", "sopbot.alerts.more", "listeners.incidents.turn_page"),
    ("action", "the link buttons", "listeners.incidents.followed_link"),
    ("action", "sopbot.end_silence", "listeners.silences.end_silence"),
    ("action", "sopbot.mute", "listeners.silences.mute"),
    ("action", "sopbot.unmute", "listeners.silences.unmute"),
    ("action", "sopbot.children", "listeners.cascades.show_children"),
    ("action", "sopbot.children.back", "listeners.cascades.turn_children_back"),
    ("action", "sopbot.children.more", "listeners.cascades.turn_children_page"),
    ("action", "sopbot.split", "listeners.cascades.split"),
    ("action", "sopbot.join", "listeners.cascades.join"),
    ("action", "sopbot.more", "listeners.changes.choose"),
    ("view", "sopbot.severity_modal", "listeners.changes.severity_submitted"),
    ("view", "sopbot.assign_modal", "listeners.changes.assign_submitted"),
    ("view", "sopbot.escalate_modal", "listeners.changes.escalate_submitted"),
    ("view", "sopbot.merge_modal", "listeners.changes.merge_submitted"),
    ("shortcut", "sopbot.read_wrongly", "listeners.readings.read_wrongly"),
    ("action", "sopbot.wrong_runbook", "listeners.runbooks.wrong_runbook"),
    ("action", "sopbot.read.status", "listeners.gateway_reads.read_status"),
    ("action", "sopbot.read.logs", "listeners.gateway_reads.read_logs"),
    ("shortcut", "sopbot_report", "listeners.shortcuts.report"),
    ("shortcut", "sopbot_open", "listeners.shortcuts.open_from_message"),
    ("shortcut", "sopbot_explain", "listeners.shortcuts.explain"),
    ("view", "sopbot.report_modal", "listeners.shortcuts.reported"),
    ("event", "app_home_opened", "listeners.home.home_opened"),
    ("event", "app_mention", "listeners.mentions.mentioned"),
    ("event", "message", "listeners.mentions.message_seen"),
    ("action", "sopbot.postmortem", "listeners.follow_up.write_postmortem"),
    ("action", "sopbot.action_done", "listeners.follow_up.action_done"),
    ("view", "sopbot.action_modal", "listeners.follow_up.action_submitted"),
    ("action", "sopbot.stakeholders", "listeners.follow_up.correct_update"),
    ("view", "sopbot.update_modal", "listeners.follow_up.update_submitted"),
    ("action", "sopbot.full_text", "listeners.full_texts.show_full_text"),
    ("action", "sopbot.full_text.back", "listeners.full_texts.turn_text_back"),
    ("action", "sopbot.full_text.more", "listeners.full_texts.turn_text_page"),
    ("action", r"sopbot\.feedback(\.good|\.bad)?", "listeners.feedback.give_feedback"),
    ("action", "sopbot.propose", "listeners.suggestions.propose"),
    ("view", "sopbot.propose_modal", "listeners.suggestions.target_typed"),
    ("action", "sopbot.lesson", "listeners.lessons.write_lesson"),
    ("view", "sopbot.lesson_modal", "listeners.lessons.lesson_submitted"),
    ("action", "sopbot.sop_draft", "listeners.lessons.draft_sop"),
    ("action", "sopbot.accept_handover", "listeners.handovers.accept_handover"),
    ("action", "sopbot.cancel_handover", "listeners.handovers.cancel_handover"),
    ("command", "/incident", "listeners.commands.incident"),
    ("command", "/sop", "listeners.commands.sop"),
    ("action", "sopbot.list.more", "listeners.commands.lists.turn_list_page"),
    ("action", "sopbot.list.first", "listeners.commands.lists.turn_list_back"),
    ("action", r"sopbot\.list\.acknowledge\.[0-9]", "listeners.commands.lists.acknowledge_in_list"),
    ("action", "anything", "listeners.unknown.pressed"),
    ("view", "anything", "listeners.unknown.submitted"),
    ("shortcut", "anything", "listeners.unknown.chosen"),
    ("options", "anything", "listeners.unknown.opened"),
    ("event", "anything", "listeners.unknown.event_ignored"),
]


class RecordingApp:
    """Registers listeners as Bolt does, and keeps their order."""

    def __init__(self) -> None:
        self.listeners: list[tuple[str, str, str]] = []

    def __getattr__(self, kind: str) -> Any:
        if kind not in {"action", "view", "command", "shortcut", "options", "event", "message"}:
            raise AttributeError(f"RecordingApp does not know app.{kind}: teach it")

        def listen(constraint: object) -> Any:
            def to(function: Any) -> Any:
                self._remember(kind, _in_words(constraint), function)
                return function

            return to

        return listen

    def middleware(self, piece: object) -> None:
        self.listeners.append(("middleware", type(piece).__name__, ""))

    def error(self, function: Any) -> Any:
        self._remember("error", "", function)
        return function

    def _remember(self, kind: str, constraint: str, function: Any) -> None:
        module = function.__module__.removeprefix("handlers.")
        self.listeners.append((kind, constraint, f"{module}.{function.__qualname__}"))


def _in_words(constraint: object) -> str:
    if isinstance(constraint, re.Pattern):
        return "anything" if constraint.pattern == ".*" else constraint.pattern
    if isinstance(constraint, dict):
        return "the link buttons"
    return str(constraint)


def test_every_listener_is_registered_once_and_in_this_order() -> None:
    app = RecordingApp()
    handlers.register(
        app, service=None, outbox=None, home_tabs=None, clock=lambda: datetime.now(UTC)
    )  # type: ignore[arg-type]
    assert app.listeners == LISTENERS


async def test_exactly_these_steps_run(world: World, bot: StartBot) -> None:
    runner = (await bot()).runner
    assert {
        step.name: (step.topic, step.seconds, step.replicas, step.overlaps) for step in runner.steps
    } == STEPS
    scheduled = {
        job.id: (job.trigger.interval.total_seconds(), job.max_instances)
        for job in runner.scheduler.get_jobs()
    }
    assert scheduled == {
        name: (seconds, OVERLAPPING if overlaps else 1)
        for name, (_, seconds, _, overlaps) in STEPS.items()
        if seconds
    }


async def test_one_call_settles_exactly_these_steps(world: World, bot: StartBot) -> None:
    running = await bot()
    functions = {step.name: step.run for step in running.runner.steps}
    assert list(running.service.timed) == SETTLED
    assert running.service.timed == {name: functions[name] for name in SETTLED}


async def test_the_health_of_exactly_these_parts_is_checked(world: World, bot: StartBot) -> None:
    running = await bot()
    assert running.health.parts == HEALTH_CHECKS
    assert running.health.report().keys() == HEALTH_CHECKS.keys()


async def test_exactly_these_tasks_run_until_the_end(world: World, bot: StartBot) -> None:
    before = asyncio.all_tasks()
    running = await bot()
    own = {task.get_name() for task in asyncio.all_tasks() - before}
    named = {name for name in own if not name.startswith("Task-")}
    assert named & TASKS == TASKS, f"missing: {TASKS - named}"
    await running.__aexit__()
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not left & TASKS, f"still running after the end: {left & TASKS}"


REPLACED_BY_A_RELOAD = {
    "the policy that decides": lambda bot: bot.service.policy.model_dump_json(),
    "the SOPs": lambda bot: [sop.sop_id for sop in bot.service.sops.sops],
    "how the outbox posts": lambda bot: bot.outbox._policy.model_dump_json(),
    "how far the history is read back": lambda bot: (
        bot._backfill._config.current.policy.ingest.read_back_hours
    ),
    "how long repeats gather on a card": lambda bot: (
        bot.service.store.config.current.policy.correlate.card_update_seconds
    ),
}


def change_everything(world: World) -> None:
    """Another policy in each segment that a part of the bot keeps, and another SOP."""
    world.write_policy(BEN, breaker_failures=7)
    text = (world.folder / "policy.yaml").read_text()
    changed = text.replace('"card_update_seconds": 0', '"card_update_seconds": 7').replace(
        '"notify": {', '"ingest": {"read_back_hours": 7}, "notify": {"storm_limit": 7, '
    )
    (world.folder / "policy.yaml").write_text(changed)
    world.write_sops(restart_sop(world.probe_url, sop_id="sop_after_the_reload"))


@pytest.mark.parametrize("part", REPLACED_BY_A_RELOAD)
async def test_a_reload_replaces(world: World, bot: StartBot, part: str) -> None:
    running = await bot()
    read = REPLACED_BY_A_RELOAD[part]
    before = read(running)
    change_everything(world)
    running.reload()
    assert read(running) != before, f"after a reload {part} is still what it was"


def policies_alive() -> set[int]:
    """Every policy, policy segment and SOP library that an object still refers to."""
    gc.collect()
    ours = (Policy, SopLibrary, *_segments())
    return {id(thing) for thing in gc.get_objects() if isinstance(thing, ours)}


def _segments() -> tuple[type[BaseModel], ...]:
    return tuple(
        field.annotation
        for field in Policy.model_fields.values()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    )


async def test_after_a_reload_nobody_holds_the_previous_policy(world: World, bot: StartBot) -> None:
    defaults = policies_alive()  # pydantic keeps one of each
    running = await bot()
    before = policies_alive() - defaults
    held = [running.service.policy, running.service.sops]
    change_everything(world)
    running.reload()
    assert running.service.policy is not held[0]
    del held
    kept = policies_alive() & before
    names = [type(thing).__name__ for thing in gc.get_objects() if id(thing) in kept]
    assert not names, f"somebody still works by the old: {names}"


async def test_a_reload_with_an_error_changes_nothing(world: World, bot: StartBot) -> None:
    running = await bot()
    before = {part: read(running) for part, read in REPLACED_BY_A_RELOAD.items()}
    change_everything(world)
    with (world.folder / "policy.yaml").open("a") as file:
        file.write("\nnonsense: [")
    running.reload()
    assert {part: read(running) for part, read in REPLACED_BY_A_RELOAD.items()} == before
