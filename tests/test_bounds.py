"""Every bound that keeps hostile input small: its literal value, and one over it fed to what reads.

When a value differs, somebody has moved a bound: is that meant, and does the machine still bear it?
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.advice.cleaning import clean_answer, last_json
from bot.advice.failures import excerpt
from bot.advice.model import Fact, Guidance, Subject, Turn
from bot.advice.prompt import build_prompt, subject_data
from bot.errors import InputError, OutcomeUnknown, TooLarge
from bot.intake import cleaning
from bot.intake.checked import checked_key
from bot.intake.drafting import links_of
from bot.intake.slack_message import read_message
from bot.remediation.contract import capped
from bot.web.alert_bodies import _check_count
from handlers.outbound.posted_messages import pages
from handlers.outbound.slack_client import seconds_to_wait
from handlers.views.text import section

pytestmark = pytest.mark.attack("ASI08")

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MIB = 1_048_576

BOUNDS: dict[str, dict[str, float]] = {
    "bot.web.body": {"BODY_LIMIT": MIB},
    "bot.web.alert_bodies": {"ALERTS_LIMIT": 500, "LONG": 65_536},
    "bot.web.ingest": {"KEY_LIMIT": 200},
    "bot.replay.stream": {
        "LARGEST_FILE": 256 * MIB,
        "LONGEST_LINE": 1_114_112,
        "MOST_LINES": 200_000,
    },
    "bot.replay_command.stored": {"MOST_ALERTS": 200_000},
    "bot.web.sns": {
        "FETCH_TIMEOUT": 5,
        "FETCHES_AT_ONCE": 4,
        "CERTIFICATE_LIMIT": 65_536,
        "CACHED": 8,
    },
    "bot.remediation.contract": {
        "SIGNATURE_WINDOW_SECONDS": 300,
        "BODY_LIMIT_BYTES": MIB,
        "OUTPUT_LIMIT_CHARS": 10_000,
        "INTENT_LIMIT_CHARS": 2_000,
        "CONTEXT_LIMIT_CHARS": 20_000,
    },
    "bot.remediation.answers": {"_DETAIL_CHARS": 600},
    "bot.gateway.executors.output": {"_TAIL_BYTES": 262_144},
    "bot.gateway.executors.engine": {"_BODY_BYTES": MIB},
    "bot.gateway.executors.supervisor": {"_LAST_READS": 64},
    "bot.regular_files": {"LARGEST": 4 * MIB},
    "bot.response.request_context": {"CONTEXT_CHARS": 4_000, "_SIMILAR_AT_MOST": 100},
    "bot.response.proposal_parts": {"MOST_TARGETS": 10, "PATIENCE": 2},
    "bot.response.receive": {"ALERTS_A_STEP": 20},
    "bot.response.upkeep": {"HOURS_A_STEP": 48},
    "bot.incidents.windows": {"LONGEST_HOURS": 8_760},
    "bot.web.incidents": {"MOST": 100, "DEFAULT": 50},
    "bot.web.stats": {"MOST_TYPES": 100, "MOST_NAMED": 50},
    "bot.steps.table": {"PLANS_AT_ONCE": 16},
    "bot.intake.cleaning": {
        "TITLE_LIMIT": 200,
        "WORD_LIMIT": 200,
        "VALUE_LIMIT": 1_000,
        "TEXT_LIMIT": 10_000,
        "MAP_LIMIT": 100,
        "LINK_LIMIT": 20,
        "URL_LIMIT": 2_048,
        "_DEPTH_LIMIT": 40,
        "LOOKED_AT": 40_000,
    },
    "bot.intake.slack_message": {
        "_DEPTH_LIMIT": 12,
        "MOST_HEADLINES": 100,
        "MOST_READ": 160_000,
        "MOST_PARTS": 200,
    },
    "bot.intake.slack_text": {"_LOOKED_AT": 2_000},
    "bot.intake.checked": {"KEY_LIMIT": 256},
    "bot.advice.cleaning": {"_JSON_CHARS": 262_144, "_JSON_TRIES": 500},
    "bot.advice.answer": {"CAUSE_CHARS": 2_000, "ITEM_CHARS": 2_000, "MOST_ITEMS": 30},
    "bot.advice.flaws": {"_READ_CHARS": 40_000},
    "bot.advice.failures": {"_EXCERPT_CHARS": 160},
    "bot.advice.rules": {"_FACTS": 5, "_FACT_CHARS": 300},
    "bot.advice.member": {"_LONGEST_DELAY": 60},
    "bot.advice.kinds.command": {"_ARGUMENT_BYTES": 120_000, "_PROBE_BYTES": 65_536},
    "bot.advice.kinds.acp": {"_ENVELOPE_BYTES": 65_536},
    "bot.advice.kinds.acp_session": {"_MOST_STRAY_LINES": 200, "_MOST_REQUESTS": 50},
    "bot.advice.kinds.http": {"_ERROR_BYTES": 16_384, "_ENVELOPE_BYTES": 65_536},
    "bot.advice.kinds.ollama": {"_ANSWER_TOKENS": 2_000},
    "bot.advice.prompt": {
        "INSTRUCTION_CHARS": 4_000,
        "TEXT_CHARS": 4_000,
        "QUESTION_CHARS": 100_000,
        "TURN_CHARS": 1_200,
        "HISTORY_CHARS": 6_000,
        "FACT_CHARS": 4_000,
        "FACTS_CHARS": 12_000,
        "_FACTS": 40,
        "_ITEMS": 40,
        "_LINE_CHARS": 1_000,
        "_LINES": 20,
    },
    "bot.enrich_command.commands": {"LARGEST_INPUT": MIB},
    "bot.enrichment.model": {"FACT_CHARS": 600, "FACTS_CHARS": 12_000},
    "bot.enrichment.kubernetes.snapshot": {
        "FILE_BYTES": MIB,
        "TOTAL_BYTES": 32 * MIB,
        "MOST_FILES": 2_000,
    },
    "bot.enrichment.kubernetes.text": {"LINE_CHARS": 1_200, "TEMPLATE_CHARS": 300},
    "bot.enrichment.kubernetes.pods": {"MOST_PODS": 5_000},
    "bot.enrichment.kubernetes.events": {"MOST_EVENTS": 20_000},
    "bot.enrichment.kubernetes.errors": {"MOST_LINES": 100_000, "MOST_FORMS": 2_000},
    "bot.enrichment.kubernetes.collect": {
        "MOST_DESCRIBED": 6,
        "MOST_NODES": 30,
    },
    "bot.enrichment.sources": {"LARGEST_PLOT": 262_144},
    "bot.enrichment.http": {"LARGEST": 65_536},
    "bot.enrichment.kubernetes.api": {
        "LARGEST_LIST": 16 * MIB,
        "LARGEST_LOG": 262_144,
        "MOST_OBJECTS": 500,
    },
    "bot.incidents.deploys": {"VERSION_CHARS": 100},
    "bot.intake.deploy_request": {"URL_CHARS": 2_048},
    "bot.serving.arrivals": {"HELD_BYTES": 32_768, "_LAST_CHUNK_BYTES": 1_024},
    "bot.serving.listening": {"QUEUE": 4_096},
    "handlers.inbound.dispatcher": {"MAX_IN_FLIGHT": 512},
    "handlers.inbound.socket_connection": {"HANDSHAKE": 10, "SILENCE": 15, "LARGEST": 4 * MIB},
    "handlers.outbound.posted_messages": {"PAGE": 500, "MOST_PAGES": 2_000, "PLACES": 50},
    "handlers.outbound.posted_head": {"PAGE": 200, "MOST_PAGES": 5},
    "handlers.listeners.user_status": {"TIMEOUT": 2, "MOST": 1_000},
    "handlers.outbound.slack_client": {"UNREADABLE_WAIT": 30, "LONGEST_WAIT": 3_600},
    "handlers.outbound.delivery": {"MAX_BACKOFF": 60, "GIVE_UP_AFTER": 8},
    "handlers.listeners.registration": {"ANSWER_WITHIN": 2.5},
    "handlers.views.text": {"LONGEST": 20_000},
    "handlers.views.news": {"MOST_MENTIONED": 10},
    "handlers.views.advice": {"MOST_SOURCES": 8, "PART_CHARS": 2_400, "PARTS": 4},
    "handlers.views.alerts": {"PAGE": 10, "MAX_LABELS": 5},
    "handlers.views.notices": {"PROBLEMS": 10},
    "store.log_events": {"_KNOWN": 1_024},
    "store.engines.postgres_session": {"PREPARE_AFTER": 3, "PREPARED": 256, "COUNTED": 1024},
    "store.engines.postgres": {"CONNECTIONS": 8, "ATTEMPTS": 8, "PATIENCE": 5, "QUEUE": 30},
    "store.engines.sqlite_worker": {
        "_GROUP": 256,
        "_JOIN": 64,
        "TURN": 0.001,
        "LONGEST": 0.02,
        "REST": 1,
    },
    "store.operations.advice": {"ATTEMPTS": 5},
    "store.operations.approvals": {"AGAIN_PER_HOUR": 3},
    "store.operations.new_approvals": {"_ALERTS": 50},
    "store.operations.audit": {"LONGEST_ID": 64},
    "store.operations.trail_upkeep": {"_BATCH": 500, "_MOST": 2_000},
    "store.operations.news": {"MOST_WAITING": 10},
    "store.operations.notices": {"SENDERS": 3, "GRAVEST": 10},
    "store.operations.proposing": {"ATTEMPTS": 5},
    "store.operations.track_record": {"LAST": 500},
}


@pytest.mark.parametrize("module", BOUNDS)
def test_the_bounds_have_exactly_these_values(module: str) -> None:
    there = importlib.import_module(module)
    assert {name: getattr(there, name) for name in BOUNDS[module]} == BOUNDS[module]


def nested(depth: int, leaf: Any) -> Any:
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        value, depth = value[0], depth + 1
    return depth


def rich_text(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": "x"}
    for _ in range(depth):
        node = {"type": "rich_text_section", "elements": [node]}
    return {"blocks": [{"type": "rich_text", "elements": [node]}]}


def blocks(count: int) -> dict[str, Any]:
    text = {"type": "mrkdwn", "text": "x"}
    return {"blocks": [{"type": "section", "text": text} for _ in range(count)]}


def headlines(count: int) -> int:
    rows = [{"title": f"t{n}", "fields": [], "text": f"b{n}"} for n in range(count)]
    return len(read_message({"attachments": rows}).headlines)


def prompt_of(**parts: Any) -> dict[str, Any]:
    return subject_data(Subject(incident_key="k", sop_id="s", now=NOW, **parts))


def turns(count: int, size: int) -> list[dict[str, str]]:
    history = tuple(Turn("person", NOW, "x" * size) for _ in range(count))
    text: list[dict[str, str]] = prompt_of(history=history)["history_of_earlier_incidents"]
    return text


def guided(commands: tuple[str, ...]) -> list[str]:
    lines: list[str] = prompt_of(guidance=Guidance(sop_id="s", commands=commands))["sop"][
        "commands"
    ]
    return lines


def facts(count: int, size: int = 1) -> list[dict[str, str]]:
    text: list[dict[str, str]] = prompt_of(
        facts=tuple(Fact("f", "x" * size) for _ in range(count))
    )["facts"]
    return text


OBJECT = '{"root_cause": "x"}'
FAR = 2_000_000

FED: dict[str, tuple[Callable[[int], int], int]] = {
    # what is fed: (what is left of input of that size, the most that may be)
    "a title": (lambda n: len(cleaning.title_of("x" * n)), 200),
    "a word": (lambda n: len(cleaning.one_line("x" * n)), 200),
    "a label's value": (lambda n: len(cleaning.clean_mapping({"a": "x" * n})["a"]), 1_000),
    "labels": (lambda n: len(cleaning.clean_mapping({f"a{i}": "x" for i in range(n)})), 100),
    "a text": (lambda n: cleaning.body_of("x" * n).count("x"), 10_000),
    "an address": (lambda n: len(cleaning.http_url("https://e/" + "x" * (n - 10))), 2_048),
    "links": (lambda n: len(links_of(("", f"https://e/{i}") for i in range(n))), 20),
    "nesting": (lambda n: depth_of(cleaning.storable(nested(n, float("nan")))), 40),
    "blocks of a message": (lambda n: read_message(blocks(n)).text.count("x"), 200),
    "a message's text": (lambda n: len(read_message({"text": "x" * n}).text), 160_000),
    "headlines": (headlines, 100),
    "a model's answer": (lambda n: len(clean_answer("x" * n)), MIB),
    "stderr": (lambda n: len(excerpt(b"." * n)), 160),
    "a question": (lambda n: len(prompt_of(question="x" * n)["question"]), 100_000),
    "a turn": (lambda n: len(turns(1, n)[0]["text"]), 1_200),
    "turns": (lambda n: len(turns(n, 1_000)), 6),
    "a fact": (lambda n: len(facts(1, n)[0]["text"]), 4_000),
    "facts": (lambda n: len(facts(n)), 40),
    "facts together": (lambda n: len(facts(n, 1_000)), 12),
    "a command of a SOP": (lambda n: len(guided(("x" * n,))[0]), 1_000),
    "commands of a SOP": (lambda n: len(guided(("x",) * n)), 20),
    "the output": (lambda n: capped("x" * n).partition("\n")[0].count("x"), 10_000),
    "Slack's pause": (lambda n: int(seconds_to_wait({"Retry-After": str(n)})), 3_600),
    "a section": (lambda n: len(section("x" * n)["text"]["text"]), 3_000),
}
SMALL = {"nesting": 300, "labels": 10_000, "links": 1_000, "blocks of a message": 10_000}
"""The size that is fed where two million would only cost time."""
SMALL |= {
    "headlines": 190,
    "facts": 1_000,
    "facts together": 1_000,
    "turns": 1_000,
    "commands of a SOP": 1_000,
}
NOTHING_IS_LEFT = {"an address"}


@pytest.mark.parametrize("what", FED)
def test_one_over_the_bound_is_cut_and_so_is_very_much_more(what: str) -> None:
    feed, bound = FED[what]
    assert feed(bound) == bound, "the bound itself is taken whole"
    for size in (bound + 1, SMALL.get(what, FAR)):
        assert feed(size) == (0 if what in NOTHING_IS_LEFT else bound), size


def test_the_operators_instructions_are_cut_in_the_prompt() -> None:
    subject = Subject(incident_key="k", sop_id="s", now=NOW)
    empty = build_prompt(subject, "", nonce="n").count("x")
    assert build_prompt(subject, "x" * FAR, nonce="n").count("x") - empty == 3_999


def test_rich_text_is_read_only_so_deep() -> None:
    assert read_message(rich_text(5)).text == "x"
    assert read_message(rich_text(200)).text == ""


def test_invisible_characters_do_not_push_the_bound_away() -> None:
    assert "x" in cleaning.body_of("\u200b" * 39_999 + "x")
    assert cleaning.body_of("\u200b" * 40_000 + "x").count("x") == 0


@pytest.mark.parametrize(
    ("behind", "result"), [(" " * 262_000, True), (" " * 262_144, False), ("{ " * 501, False)]
)
def test_an_answer_is_searched_for_json_only_so_far_and_so_often(behind: str, result: bool) -> None:
    assert (last_json(OBJECT + behind, ("root_cause",)) is not None) is result


def test_only_so_many_alerts_are_taken_at_once() -> None:
    _check_count([{}] * 500)
    with pytest.raises(TooLarge):
        _check_count([{}] * 501)


def test_an_incident_key_from_outside_is_only_so_long() -> None:
    assert checked_key("k" * 256, "incident_key")
    with pytest.raises(InputError):
        checked_key("k" * 257, "incident_key")


async def test_a_list_of_slack_without_end_ends() -> None:
    asked_for = 0

    async def call(_method: str, **_arguments: Any) -> dict[str, Any]:
        nonlocal asked_for
        asked_for += 1
        return {"messages": [], "response_metadata": {"next_cursor": f"c{asked_for}"}}

    with pytest.raises(OutcomeUnknown):
        async for _ in pages(call, "conversations_history"):
            pass
    assert asked_for == 2_000
