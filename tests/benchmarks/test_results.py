"""The harness judges figures correctly; no test measures the speed itself."""

import json
import math
from collections import Counter
from xml.etree import ElementTree

import pytest

from benchmarks import faults, quick, report
from benchmarks.__main__ import BENCHES, chosen, main, missing, run
from benchmarks.results import (
    Bar,
    Result,
    best_of_rounds,
    percentile,
    read,
    summary,
    table,
    write,
)
from benchmarks.stage import ROOT
from tests.faults.systems import FAULTS, SYSTEMS

ISSUE = {
    "advice.single_flight",
    "advice.incident_endpoint",
    "spine.alert_to_card",
    "spine.click_to_gateway",
    "spine.storm",
    "spine.start",
    "spine.advisor_overhead",
    "approval.click_to_request",
    "scale.two_engines",
    "scale.takeover",
    "scale.replicas",
    "noise.correlation",
    "noise.fast_path",
    "noise.f1",
    "noise.posts",
    "noise.enrichment",
    "noise.stats",
    "storm.sixty_incidents",
    "storm.soak",
    "approval.audit_verify",
    "gateway.redis_delete",
    "gateway.docker_share",
    "gateway.one_at_a_time",
    "gateway.faults",
    "truth.approval_beside_card",
    "truth.held_back",
    "truth.parallel_dispatch",
    "truth.unfinished_connections",
    "truth.worst_input",
}


def test_every_bench_of_the_issue_exists():
    assert set(BENCHES) >= ISSUE


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("", list(BENCHES)),
        ("spine.storm", ["spine.storm"]),
        ("spine.storm.rss", ["spine.storm"]),
        ("spine.alert_to_card.50s.p95", ["spine.alert_to_card"]),
        ("scale.takeover.card.lease_2", ["scale.takeover"]),
        ("storm.sixty_incidents", ["storm.sixty_incidents"]),
        ("spine.sto", []),
        ("spine.storms", []),
    ],
)
def test_an_id_or_one_of_its_lines_chooses_its_bench(only, names):
    assert chosen(only) == names


def test_the_short_form_names_sizes_that_its_benches_have():
    for bench, sizes in quick.SHORT.items():
        assert sizes.keys() <= vars(bench).keys(), bench.__name__


async def breaks():
    raise RuntimeError("the bench broke")


async def misses():
    return [Result("b", 3.0, "ms", bar=Bar(2, "ms"))]


@pytest.fixture
def two_benches(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.__main__.BENCHES", {"a": breaks, "b": misses})
    monkeypatch.setattr("benchmarks.__main__.RESULTS", tmp_path / "results.json")


def test_a_bench_that_breaks_fails_the_short_form_too_and_lets_the_others_run(two_benches, capsys):
    assert run(["a", "b"], keep=False) == 1
    output = capsys.readouterr()
    assert "did not run to their end: a" in output.err
    assert "≤ 2 ms  NO" in output.out


def test_in_the_short_form_no_bar_decides_and_no_figure_is_kept(two_benches, tmp_path):
    assert run(["b"], keep=False) == 0
    assert not (tmp_path / "results.json").exists()
    assert run(["b"]) == 1
    assert read(tmp_path / "results.json")[0]["holds"] is False


@pytest.fixture
def without_spark(monkeypatch):
    monkeypatch.setattr(
        "benchmarks.faults.missing", lambda name: "no Spark here" if name == "spark" else ""
    )


async def no_fault(names, *, only):
    assert "spark" not in names
    return []


def test_the_faults_of_a_missing_system_are_named_and_those_of_the_others_are_run(
    without_spark, monkeypatch, capsys
):
    monkeypatch.setattr("benchmarks.faults.faults.run", no_fault)
    assert missing("gateway.faults") == ""
    run(["gateway.faults"], keep=False)
    named = "gateway.faults … 51 of 52 faults; not run: 1 of spark (no Spark here) … "
    assert capsys.readouterr().err.startswith(named)


def test_the_page_says_how_many_faults_were_run():
    line = Result("gateway.faults", 1.0, "s", detail={"how_many": faults.how_many({"spark": "x"})})
    page = report.page(report.TEXT.read_text(encoding="utf-8"), [line.as_json()], [])
    assert "was measured with: 51 of 52 faults; not run: 1 of spark (x).\n" in page


def test_the_number_of_faults_is_that_of_the_last_whole_run():
    rows = (ROOT / "docs/faults.md").read_text("utf-8").splitlines()
    systems = Counter(row.split(" | ")[1] for row in rows if "✓" in row)
    assert systems == {name: number for name, number in FAULTS.items() if name in systems}
    assert FAULTS.keys() == SYSTEMS.keys()


def test_a_bench_that_cannot_run_says_why_once_and_fails_only_where_all_must_run(
    two_benches, monkeypatch, capsys
):
    monkeypatch.setattr("benchmarks.__main__.missing", lambda _: "no server on this machine")
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    assert run(["a"]) == 0
    assert capsys.readouterr().err == "a … not run: no server on this machine\n"
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    assert run(["a"]) == 1


def test_an_unknown_id_is_answered_with_those_there_are(capsys):
    assert main(["--only", "spine.nothing"]) == 2
    assert "spine.storm" in capsys.readouterr().err


def test_the_ratio_is_the_value_over_the_floor():
    assert Result("a", 5.0, "ms", floor=2.0).ratio == 2.5
    assert Result("a", 5.0, "ms").ratio is None
    assert Result("a", 5.0, "ms", floor=0.0).ratio is None


@pytest.mark.parametrize(
    ("bar", "value", "floor", "holds"),
    [
        (Bar(15, "ms"), 15.0, None, True),
        (Bar(15, "ms"), 15.1, None, False),
        (Bar(2000, "/s", at_least=True), 2000.0, 5700.0, True),
        (Bar(2000, "/s", at_least=True), 1999.0, 5700.0, False),
        (Bar(2.5, times_floor=True), 5.0, 2.0, True),
        (Bar(2.5, times_floor=True), 5.1, 2.0, False),
        (Bar(2.5, times_floor=True), 1.0, None, False),
        (Bar(15, "ms"), math.nan, None, False),
    ],
)
def test_a_bar_holds_at_its_limit_and_not_beyond(bar, value, floor, holds):
    assert Result("a", value, "ms", floor, bar).holds is holds


def test_without_a_bar_nothing_is_said_to_hold():
    assert Result("a", 1.0, "ms", 1.0).holds is None


def test_a_line_that_stands_for_others_holds_only_with_all_of_them():
    good = Result("a.x", 1.0, "ms", bar=Bar(2, "ms"))
    bad = Result("a.y", 3.0, "ms", bar=Bar(2, "ms"))
    unjudged = Result("a.z", 3.0, "ms")
    assert Result("a", 1.0, "ms", bar=Bar(2, "ms"), covers=(good, unjudged)).holds is True
    assert Result("a", 1.0, "ms", bar=Bar(2, "ms"), covers=(good, bad)).holds is False


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 50), (0.95, 95), (0.99, 99), (1, 100)]
)
def test_a_percentile_is_one_of_the_values(share, value):
    assert percentile(range(100, 0, -1), share) == value


def test_no_values_have_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_quietest_round_counts_and_the_summary_has_all():
    rounds = [[9.0, 9.0], [1.0, 3.0]]
    assert best_of_rounds(rounds, 0.5) == 1.0
    assert summary(rounds) == {"n": 4, "p50": 3.0, "p95": 9.0, "p99": 9.0, "max": 9.0}


def test_results_are_written_with_the_fields_of_the_contract_and_kept_when_others_run(tmp_path):
    file = tmp_path / "results.json"
    write([Result("a", 1.0, "ms", 0.5, Bar(3, "ms")), Result("b", 2.0, "ms")], file, {"cores": 2})
    write([Result("b", 7.0, "ms")], file, {"cores": 4})
    lines = {line["id"]: line for line in json.loads(file.read_text())}
    assert lines["a"] == {
        "id": "a",
        "value": 1.0,
        "unit": "ms",
        "floor": 0.5,
        "ratio": 2.0,
        "bar": "≤ 3 ms",
        "holds": True,
        "machine": {"cores": 2},
    }
    assert (lines["b"]["value"], lines["b"]["machine"]) == (7.0, {"cores": 4})


def test_a_results_file_that_is_not_one_reads_as_empty(tmp_path):
    broken = tmp_path / "results.json"
    broken.write_text("{", encoding="utf-8")
    assert read(broken) == read(tmp_path / "missing.json") == []


def test_the_table_shows_a_missed_bar_in_capitals():
    shown = table([Result("a", 3.0, "ms", 1.0, Bar(2, "ms")), Result("b", 1.0, "ms")])
    assert "≤ 2 ms  NO" in shown
    assert shown.splitlines()[2].split() == ["b", "1.00", "ms", "–", "–", "–", "–"]


def test_the_page_has_every_figure_and_no_typed_one():
    text = report.TEXT.read_text(encoding="utf-8")
    line = Result("spine.start", 0.8, "s", 0.4, Bar(1.5, "s")).as_json()
    rows = [{"alerts": 1000, "door": "slack", "per_second": 3210, "cpu_us": 300, "rss_mb": 80.0}]
    page = report.page(text, [line], rows)
    assert "| `spine.start` | 0.80 s | 0.40 | 2.00 | ≤ 1.5 s | yes |" in page
    assert "| 1,000 | slack | 3,210 | 300 | 80.0 |" in page
    for name in ISSUE:
        assert f"`{name}" in text


def test_the_picture_of_the_storm_shows_what_arrived_by_when():
    detail = {
        "sopbot_at_s": [0.5, 1.5, 70.0],
        "alertmanager_10s_at_s": [0.0],
        "alertmanager_5m_at_s": [],
    }
    line = Result("storm.sixty_incidents", 2, "cards", detail=detail).as_json()
    picture = ElementTree.fromstring(report.storm_plot([line]))  # noqa: S314 - our own
    (title,) = picture.findall("{*}title")
    assert title.text == (
        "Messages that arrived within 65 s: sopbot 2, Alertmanager 1, … by its defaults 0"
    )
    steps = [path.get("d").count("V") for path in picture.findall("{*}path")]
    assert steps == [3, 1, 0]
    assert report.storm_plot([]) == ""
