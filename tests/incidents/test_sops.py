"""The SOP library: a bad line is named and the rest loads; the right SOP is found and filled in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.keys import sop_id_of
from bot.incidents.sop_keys import could_overlap, read_key, spelled
from bot.incidents.sops import (
    SopLibrary,
)
from tests.helpers.sop_alerts import alert


def line(sop_id: str, **fields: Any) -> str:
    return json.dumps({"sop_id": sop_id, **fields})


def probing(url: str) -> str:
    action = {"action": "service.restart", "parameters": {"target": "web", "probe_url": url}}
    return line("a", actions=[action])


def library(*lines: str) -> SopLibrary:
    return SopLibrary.load([("sops.jsonl", "\n".join(lines))])


# Loading


def test_every_line_is_an_sop_and_blank_lines_and_comments_are_not() -> None:
    loaded = library("# ours", line("a"), "", "   ", line("b", priority="high"), "  # end")
    assert loaded.problems == ()
    assert {sop.sop_id for sop in loaded.sops} == {"a", "b"}
    assert loaded.get("b") is not None
    assert loaded.get("c") is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not JSON"),
        ('{"sop_id": "a"} x', "not JSON"),
        ("[]", "must be a mapping"),
        ("null", "must be a mapping"),
        ("{}", "sop_id: required"),
        (line("Not An Id"), "sop_id: only a-z, 0-9, '_' and '-' are allowed"),
        (line("x" * 65), "sop_id: only"),
        (line("a", priority="URGENT"), "priority: 'URGENT' is not one of HIGH, MIDDLE, LOW"),
        (line("a", priority=""), "priority: '' is not one of"),
        (line("a", keys=["host:db-1"]), "keys: key 'host:db-1' must look like svc:"),
        (line("a", keys=["omada"]), "keys: key 'omada' must look like"),
        (line("a", keys="svc:x"), "keys: "),
        (line("a", comand=["x"]), "comand: not a known key; did you mean command?"),
        (line("a", command=[1]), "command.0: "),
        (
            line("a", actions=[{"action": "x", "wen": ""}]),
            "actions.0.wen: not a known key; did you mean when?",
        ),
        (line("a", actions=[{"action": "x", "when": "host:1"}]), "actions.0.when: key 'host:1'"),
        (line("a", actions=[{"parameters": {}}]), "actions.0.action: required"),
        (line("a", actions=[{"action": "x", "parameters": {"t": [1]}}]), "actions.0.parameters.t"),
        (probing("http://user:pw@web/health"), "probe_url must not hold a user or a password"),
        (probing("HTTPS:\\\\t0ken@{{service_name}}"), "probe_url must not hold a user"),
        ('{"sop_id": ' + "9" * 5000 + "}", "not usable JSON"),
        ("[" * 100_000, "not usable JSON"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line_and_the_rest_loads(bad: str, reason: str) -> None:
    loaded = SopLibrary.load(
        [("first.jsonl", line("before")), ("second.jsonl", "\n".join([line("x"), bad, line("y")]))]
    )
    assert [sop.sop_id for sop in loaded.sops] == ["before", "x", "y"]
    [problem] = loaded.problems
    assert (problem.file, problem.line) == ("second.jsonl", 2)
    assert str(problem).startswith("second.jsonl:2: ")
    assert reason in problem.reason
    assert len(str(problem)) < 500, "one line for a person, however long the bad one is"


def test_every_mistake_of_a_line_is_named() -> None:
    loaded = library(line("a", comand=["x"], priority="URGENT"))
    assert [problem.line for problem in loaded.problems] == [1, 1]
    assert {problem.reason.partition(":")[0] for problem in loaded.problems} == {
        "comand",
        "priority",
    }


@pytest.mark.parametrize("url", ["http://web/@me?to=a@b", "http://{{service_name}}:80/h#@"])
def test_an_at_sign_behind_the_host_is_no_password(url: str) -> None:
    assert library(probing(url)).problems == ()


def test_a_duplicate_id_is_a_problem_and_the_first_one_stays() -> None:
    loaded = SopLibrary.load(
        [("a.jsonl", line("web", title="first")), ("b.jsonl", line("web", title="second"))]
    )
    assert [str(problem) for problem in loaded.problems] == ["b.jsonl:1: web is there already"]
    kept = loaded.get("web")
    assert kept is not None
    assert kept.title == "first"


def test_line_ends_of_other_systems_do_not_break_a_line() -> None:
    text = '{"sop_id": "a", "title": "one\u2028two\x85three"}\r\n{"sop_id": "b"}\r\n{'
    loaded = SopLibrary.load([("sops.jsonl", text)])
    assert [sop.sop_id for sop in loaded.sops] == ["a", "b"]
    assert [problem.line for problem in loaded.problems] == [3]


@given(st.text(st.characters(codec=None), max_size=200))
def test_no_text_stops_the_rest_from_loading(text: str) -> None:
    loaded = SopLibrary.load([("wild.jsonl", text), ("good.jsonl", line("good"))])
    assert loaded.get("good") is not None


# Matching


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("svc:omada-*", True),
        ("svc:omada-core", True),
        ("svc:omada", False),
        ("svc:OMADA-Core", True),
        ("SVC: omada-core ", True),
        ("service:*core", True),
        ("svc:o*a-c*e", True),
        ("svc:omada-core-*", False),
        ("svc:*", True),
        ("svc:", False),
        ("svc:omada.core", False),
        ("cat:cpu", True),
        ("category:c?u", False),
        ("sev:high", True),
        ("severity:low", False),
        ("region:eu-*", True),
        ("env:prod", True),
        ("env:production", True),
        ("name:highcpu", True),
    ],
)
def test_a_key_matches_its_whole_field(key: str, matches: bool) -> None:
    assert read_key(key).fits(spelled(alert())) is matches


def test_a_prefix_with_a_star_does_not_match_the_bare_word_before_its_dash() -> None:
    assert not read_key("svc:omada-*").fits(spelled(alert(service="omada")))
    assert read_key("svc:omada*").fits(spelled(alert(service="omada")))


def test_every_key_must_match() -> None:
    result = library(line("both", keys=["svc:omada-*", "cat:cpu"]))
    assert result.match(alert(), "k") == result.get("both")
    assert result.match(alert(category="disk"), "k") is None
    assert result.match(alert(service="vigi"), "k") is None


def test_an_sop_without_keys_matches_nothing_by_keys() -> None:
    assert library(line("bare")).match(alert(), "k") is None


def test_the_best_priority_wins_and_then_the_earlier_line() -> None:
    keys = ["cat:cpu"]
    result = library(
        line("low", keys=keys, priority="LOW"),
        line("middle", keys=keys),
        line("high-1", keys=keys, priority="HIGH"),
        line("high-2", keys=keys, priority="HIGH"),
    )
    matched = result.match(alert(), "k")
    assert matched is not None
    assert matched.sop_id == "high-1"
    without_high = library(line("low", keys=keys, priority="LOW"), line("middle", keys=keys))
    matched = without_high.match(alert(), "k")
    assert matched is not None
    assert matched.sop_id == "middle"


@pytest.mark.parametrize(
    ("wins", "loses"),
    [
        (["svc:omada-*", "cat:cpu"], ["svc:omada-*"]),
        (["svc:omada-core"], ["svc:omada-*"]),
        (["svc:omada-core", "cat:*"], ["svc:*", "cat:*"]),
    ],
)
def test_of_two_that_fit_the_more_specific_wins_wherever_it_stands(
    wins: list[str], loses: list[str]
) -> None:
    for lines in ([("a", wins), ("b", loses)], [("b", loses), ("a", wins)]):
        loaded = library(*(line(name, keys=keys) for name, keys in lines))
        match = loaded.match(alert(), "k")
        assert match is not None
        assert match.sop_id == "a"


def test_a_better_priority_wins_over_more_keys() -> None:
    loaded = library(
        line("specific", keys=["svc:omada-core", "cat:cpu"], priority="LOW"),
        line("general", keys=["svc:*"], priority="HIGH"),
    )
    match = loaded.match(alert(), "k")
    assert match is not None
    assert match.sop_id == "general"


def test_the_bundled_example_never_beats_an_operator_s_own() -> None:
    example = line("bundled", keys=["cat:cpu", "env:prod", "svc:omada-core"], priority="HIGH")
    own = line("own", keys=["svc:*"], priority="LOW")
    loaded = SopLibrary.load([("a/example.jsonl", example), ("z.jsonl", own)])
    match = loaded.match(alert(), "k")
    assert match is not None
    assert match.sop_id == "own"
    alone = SopLibrary.load([("example.jsonl", example)]).match(alert(), "k")
    assert alone is not None, "it is used where nothing else fits"


@pytest.mark.parametrize(
    ("texts", "other", "overlap"),
    [
        (["svc:web"], ["svc:web"], True),
        (["svc:web"], ["svc:cart"], False),
        (["svc:*-api"], ["svc:check*"], True),
        (["svc:a*c"], ["svc:a*d"], False),
        (["svc:*"], ["service:web"], True),
        (["svc:web"], ["cat:cpu"], False),
        (["svc:**a"], ["svc:aaa"], True),
        (["svc:"], ["svc:*"], True),
    ],
)
def test_two_lists_of_keys_overlap_where_one_alert_could_fit_both(
    texts: list[str], other: list[str], overlap: bool
) -> None:
    assert could_overlap(texts, other) is overlap
    assert could_overlap(other, texts) is overlap


@given(st.text("ab*", max_size=6), st.text("ab*", max_size=6), st.text("ab", max_size=5))
def test_keys_that_both_fit_a_text_are_said_to_overlap(item: str, other: str, text: str) -> None:
    keys = [read_key(f"svc:{pattern}") for pattern in (item, other)]
    if all(key.fits(spelled(alert(service=text))) for key in keys):
        assert could_overlap([f"svc:{item}"], [f"svc:{other}"])


def test_the_exact_id_of_the_key_comes_before_any_priority() -> None:
    exact = sop_id_of("prod|web|cpu|high")
    result = library(line("best", keys=["cat:*"], priority="HIGH"), line(exact, priority="LOW"))
    matched = result.match(alert(), "prod|web|cpu|high")
    assert matched is not None
    assert matched.sop_id == exact


def test_the_alerts_own_sop_id_comes_first_of_all() -> None:
    exact = sop_id_of("k")
    result = library(line(exact), line("own"))
    matched = result.match(alert(sop_id="own"), "k")
    assert matched is not None
    assert matched.sop_id == "own"
    assert result.match(alert(sop_id="unknown"), "k") == result.get(exact)
