"""Mapping files: an operator says where the fields of a sender's alerts stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.errors import InputError
from bot.incidents.model import AlertStatus, Severity
from bot.intake import parse_body
from bot.intake.expressions import MOST_STEPS, BodyReader, parse_expression
from bot.intake.mappings import SourceMappings, load_mappings, parse_mapping

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "config/sources/harbour-cranes.yaml"
CRANES = load_mappings([(EXAMPLE.name, EXAMPLE.read_text(encoding="utf-8"))])
MINIMAL = "match: {source: cranes}\nfields: {name: fault}\n"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "crane": {"name": "crane-7", "berth": "B4"},
        "site": {"stage": "production"},
        "fault": {"code": "HoistOverload", "text": "Hoist overload 112 %", "level": 1},
        "phase": "raised",
        "reading": 112.5,
        "raised_at": "2026-11-22T10:00:00Z",
        "crew": [{"name": "north"}, {"name": "south"}],
        "console": "https://cranes.example/7",
        **changes,
    }


def read(*events: Any, mappings: SourceMappings = CRANES) -> Any:
    return parse_body("harbour-cranes", {"events": list(events)}, mappings)


def test_the_example_reads_every_field_where_it_says() -> None:
    [alert] = read(event()).alerts
    assert (alert.source, alert.name, alert.title) == (
        "harbour-cranes",
        "HoistOverload",
        "Hoist overload 112 %",
    )
    assert (alert.status, alert.severity, alert.severity_raw) == (
        AlertStatus.FIRING,
        Severity.CRITICAL,
        "1",
    )
    assert (alert.service, alert.env, alert.value) == ("crane-7", "prod", "112.5")
    assert alert.labels == {"berth": "B4", "shift": "north, south"}
    assert alert.starts_at is not None
    assert alert.links[0].url == "https://cranes.example/7"
    assert alert.read_from["service"] == "mapping crane.name"
    assert not alert.not_understood


def test_firing_and_its_end_have_one_identity() -> None:
    [firing] = read(event()).alerts
    other = event(phase="gone", reading=1, fault={"code": "HoistOverload", "text": "ok 3 %"})
    [end] = read(other).alerts
    assert end.status is AlertStatus.RESOLVED
    assert end.fingerprint == firing.fingerprint
    [elsewhere] = read(event(crane={"name": "crane-8"})).alerts
    assert elsewhere.fingerprint != firing.fingerprint


def test_a_word_that_the_mapping_does_not_name_is_read_as_any_senders() -> None:
    [end] = read(event(phase="recovered", fault={"code": "X", "level": "warning"})).alerts
    assert (end.status, end.severity) == (AlertStatus.RESOLVED, Severity.MEDIUM)


def test_a_body_of_another_source_or_without_the_path_is_not_mapped() -> None:
    assert parse_body("generic", {"events": [event()]}, CRANES).alerts[0].source == "generic"
    [alert] = parse_body("harbour-cranes", {"name": "Tide is high"}, CRANES).alerts
    assert (alert.source, alert.title) == ("generic", "Tide is high")


def test_one_alert_of_another_form_takes_no_other_with_it() -> None:
    good, odd = read(event(), {"crane": {"name": {"id": 7}}, "note": "pump 3 leaks"}).alerts
    assert good.name == "HoistOverload"
    assert "pump 3 leaks" in odd.text
    assert odd.not_understood.startswith("the mapping of harbour-cranes: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fields: {name: a}", "m.yaml:1: match: required"),
        (
            "match: {source: Bad Name}\nfields: {name: a}",
            "m.yaml:1: match.source: must be a source",
        ),
        ("match: {source: a}\nfields: {nam: a}", "m.yaml:2: fields.nam"),
        ("match: {source: a}\nfields:\n  name: a.[", "m.yaml:3: fields.name: is not JMESPath"),
        ("match: {source: a}\nfields: {name: a}\nstatus: {over: [x]}", "m.yaml:3: status.over"),
        ("match: {source: a}\nfields: {name: a}\nlables: {}", "m.yaml:3: lables"),
        ("- a", "m.yaml: must have match and fields"),
        ("match: [", "m.yaml:"),
    ],
)
def test_a_bad_file_is_named_by_line_and_field(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_mapping(text, "m.yaml")
    assert str(refused.value).startswith(problem)


def test_a_bad_file_does_not_take_the_others_with_it() -> None:
    mappings = load_mappings([("a.yaml", "match: 7"), ("b.yaml", MINIMAL)])
    assert [mapping.match.source for mapping in mappings.mappings] == ["cranes"]
    assert all(problem.startswith("a.yaml:") for problem in mappings.problems)


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[@, @]"] * 30),
        "[[[[@, @], [@, @]], @], @]",
        "map(&[@, @], @)",
        "to_string(@)",
        "a" * 501,
        ".".join(["a"] * 120),
        "(" * 90 + "a" + ")" * 90 + " && " + "a." * 100 + "a",
    ],
)
def test_an_expression_that_could_multiply_its_input_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|JMESPath"):
        parse_expression(text)


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "text", ["a[*].b[*].c", "a[?b[?c]].b[]", "a[].b[].c | [0]", "sort(a[].b[].c[])"]
)
def test_a_body_is_read_in_a_bounded_number_of_steps(text: str) -> None:
    body = {"a": [{"b": [{"c": [1]}] * 300}] * 300}
    with pytest.raises(InputError, match=f"more than {MOST_STEPS:,} parts"):
        BodyReader().value(parse_expression(text), body)


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "value", [None, 7, "x", [], {}, [[]], {"a": {}}, True, [{"fault": {"a": 1}}], float("nan")]
)
@pytest.mark.parametrize("path", ["fault", "length(fault)", "fault[*].a", "sum(fault)", "@"])
def test_any_body_becomes_an_alert_that_shows_it(path: str, value: Any) -> None:
    mappings = load_mappings([("m.yaml", f"match: {{source: cranes}}\nfields: {{name: {path!r}}}")])
    for body in (value, {"fault": value}):
        reading = parse_body("cranes", body, mappings)
        assert reading.alerts
        assert all(alert.title and alert.fingerprint for alert in reading.alerts)


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "crew", [[{"name": "north"}] * MOST_STEPS, [{"name": "x" * 9 * MOST_STEPS}]]
)
def test_an_alert_that_takes_too_many_steps_leaves_those_of_the_next_ones(crew: Any) -> None:
    first, *others = read(event(crew=crew), *[event()] * 20).alerts
    assert "parts of the body" in first.not_understood
    assert [alert.name for alert in others] == ["HoistOverload"] * 20
    assert not any(alert.not_understood for alert in others)


def test_as_many_alerts_as_a_body_may_have_are_read_while_there_are_steps() -> None:
    alerts = read(*[event()] * 500).alerts
    assert len(alerts) == 500
    assert sum(not alert.not_understood for alert in alerts) > 300


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "readings", [[10**4300 - 1] * 2, [10**5000]], ids=["a long sum", "a long number"]
)
@pytest.mark.parametrize("path", ["sum(readings)", "readings", "readings[0]"])
def test_a_number_with_too_many_digits_costs_only_its_alert_the_mapping(
    readings: list[int], path: str
) -> None:
    text = f"alerts: '@'\nmatch: {{source: cranes}}\nfields: {{name: fault, value: {path!r}}}"
    mappings = load_mappings([("m.yaml", text)])
    body = [{"fault": "Hoist", "readings": readings}, {"fault": "Brake", "readings": [1]}]
    first, second = parse_body("cranes", body, mappings).alerts
    assert "Hoist" in first.title + first.text + first.name
    assert (second.name, second.not_understood) == ("Brake", "")


def test_a_function_that_cannot_count_says_so_as_any_other() -> None:
    with pytest.raises(InputError, match="ceil"):
        BodyReader().value(parse_expression("ceil(@)"), float("nan"))


def test_sources_try_reads_with_a_mapping_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cranes.json"
    inputs = [{"events": [event()]}, {"events": [event(phase="gone")]}]
    case = {"door": "http", "source": "harbour-cranes", "inputs": inputs}
    file.write_text(json.dumps(case), encoding="utf-8")
    assert main(["sources", "try", str(file), "--json", "--mapping", str(EXAMPLE)]) == 0
    first, _, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["alerts"][0]["read_from"]["name"] == "mapping fault.code"
    assert last["story"] == {"incidents": 1, "open_at_end": 0, "firing_at_end": 0}
    bad = tmp_path / "bad.yaml"
    bad.write_text("match: 7\n", encoding="utf-8")
    assert main(["sources", "try", str(file), "--mapping", str(bad)]) == 1
    assert "bad.yaml:1: match" in capsys.readouterr().err


def test_the_page_shows_the_example_file() -> None:
    page = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    assert f"```yaml\n{EXAMPLE.read_text(encoding='utf-8')}```" in page


def test_one_time_is_the_start_or_the_end_by_the_state_as_the_page_shows() -> None:
    page = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    [times] = [part for part in page.split("```") if part.startswith("yaml\nstarts_at:")]
    fields = times.removeprefix("yaml\n").replace("\n", "\n  ")
    text = f"match: {{source: pumps}}\nfields:\n  name: fault\n  status: level\n  {fields}\n"
    mappings = load_mappings([("pumps.yaml", text)])

    def times_of(level: str) -> list[bool]:
        body = {"fault": "Leak", "level": level, "at": "2026-11-22T10:00:00Z"}
        [alert] = parse_body("pumps", body, mappings).alerts
        return [alert.starts_at is not None, alert.ends_at is not None]

    assert not mappings.problems
    assert times_of("bad") == [True, False]
    assert times_of("ok") == [False, True]
