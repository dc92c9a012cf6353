"""Evidence from declared sources: over real sockets, within its time, and from nowhere else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.enrichment.gathering import CLUSTER_CHARS, gather
from bot.enrichment.http import LARGEST
from bot.enrichment.model import FACT_CHARS, FACTS_CHARS, Evidence, KnownFact
from bot.enrichment.plot import plot
from bot.enrichment.segment import EvidenceSource, filled
from bot.incidents.deploys import Deploy, Symptom
from bot.incidents.troubles import Trouble
from bot.response.enrichment import deploy_facts
from store.operations.deploys import MOST
from tests.helpers.http_servers import served, vector
from tests.helpers.ports import kept_port
from tests.helpers.waiting import until

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
VALUES = {"service": 'web"} or vector(1) #', "env": "prod", "pod": ""}


def source(url: str, kind: str = "prometheus", **queries: str) -> EvidenceSource:
    return EvidenceSource.model_validate(
        {"name": kind, "kind": kind, "url": url, "queries": queries or {"up": "up"}}
    )


async def evidence(*sources: EvidenceSource, seconds: float = 5) -> Evidence:
    async with aiohttp.ClientSession() as session:
        return await gather(session, sources, VALUES, NOW, seconds=seconds)


async def test_prometheus_gives_the_value_now_beside_its_usual_ones() -> None:
    queries_sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        query = request.query["query"]
        queries_sent.append(query)
        past = {"0.5": "1", "0.95": "4"}
        share = query.removeprefix("quantile_over_time(").split(",")[0]
        labels = {"job": "web"} if query.startswith("quantile") else {"__name__": "e", "job": "web"}
        return web.json_response(vector((labels, past.get(share, "7.8125"))))

    async with served(answer) as url:
        gathered = await evidence(source(url, errors="rate(errors[5m])"))
    (fact,) = gathered.facts
    assert (fact.id, fact.source, fact.name, fact.at) == ("E1", "prometheus", "errors", NOW)
    assert fact.text == "now 7.812 (p50 1, p95 4 over 1 h; p50 1, p95 4 over 24 h) job=web"
    assert "quantile_over_time(0.95, (rate(errors[5m]))[24h:1m])" in queries_sent
    assert gathered.failures == ()


async def test_the_course_of_the_last_hour_is_a_line_of_bars() -> None:
    async def answer(request: web.Request) -> web.Response:
        if not request.path.endswith("query_range"):
            return web.json_response(vector(({"__name__": "e", "job": "web"}, "8")))
        assert float(request.query["end"]) - float(request.query["start"]) == 3600
        values = [[n, "8" if n > 40 else "1"] for n in range(60)]
        values[20][1] = "NaN"
        matrix = [{"metric": {"job": "web"}, "values": values}]
        body = {"status": "success", "data": {"resultType": "matrix", "result": matrix}}
        return web.json_response(body)

    async with served(answer) as url:
        gathered = await evidence(source(url, errors="errors"))
    now, course = gathered.facts[0].text.split("\n")
    assert now.startswith("now 8")
    bars = course.removeprefix("last hour ").removesuffix(" 1 to 8")
    assert set(bars[:20]) == {"▁"}
    assert set(bars[21:]) == {"█"}
    assert len(bars) == 30


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0], ""),
        ([1.0, 1.0, 1.0], ""),
        ([float("nan"), float("inf")], ""),
        ([-1e308, 1e308], ""),
        ([0.0, 1.0], "▁█ 0 to 1"),
        ([0.0, 5e-324], "▁█ 0 to 4.941e-324"),
    ],
)
def test_a_plot_needs_values_that_differ(values: list[float], drawn: str) -> None:
    assert plot(values) == drawn


@pytest.mark.services("prometheus")
async def test_a_real_prometheus_is_understood(tmp_path: Path) -> None:
    with kept_port() as port:
        (tmp_path / "prometheus.yml").write_text("scrape_configs: []")
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        )
        declared = source(f"http://127.0.0.1:{port}", one="vector(1)", wrong="sum(")

        async def answered() -> Evidence | None:
            gathered = await evidence(declared)
            return gathered if gathered.facts else None

        try:
            gathered = await until(answered, why="Prometheus answers", every=0.2)
        finally:
            process.terminate()
            await process.wait()
    assert gathered is not None
    assert gathered.facts[0].text == "now 1 (p50 1, p95 1 over 1 h; p50 1, p95 1 over 24 h)"
    # Which of its queries fails first, and so the rest of the message, is chance.
    assert "parse error" in gathered.failures[0].error


@pytest.mark.attack("ASI02")
async def test_a_value_of_the_alert_cannot_leave_its_quotes_in_a_query() -> None:
    queries_sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        queries_sent.append(request.query["query"])
        return web.json_response(vector())

    async with served(answer) as url:
        await evidence(source(url, up='up{service="{{service}}"}', pod='x{pod="{{pod}}"}'))
    assert queries_sent[0] == 'up{service="web\\"} or vector(1) #"}'
    assert not [query for query in queries_sent if "pod" in query], "the alert has no pod"


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    ("template", "value", "query"),
    [
        ('x{job=~"{{service}}"}', ".*", r'x{job=~"\\.\\*"}'),
        ('x{job!~"a-{{service}}"}', "b|c", r'x{job!~"a-b\\|c"}'),
        ('{a="x"} |~ "{{service}}"', r'\d"', r'{a="x"} |~ "\\\\d\""'),
        ('{a="x"} |~ "b" or "{{service}}"', ".*", r'{a="x"} |~ "b" or "\\.\\*"'),
        ('{a="x"} |~ # =\n"{{service}}"', ".*", '{a="x"} |~ # =\n"\\\\.\\\\*"'),
        ('{a="x"} |= "{{service}}"', "a.b's", '{a="x"} |= "a.b\'s"'),
        ('x{a=~"`",b="{{service}}"}', ".*\n`", 'x{a=~"`",b=".* `"}'),
    ],
)
def test_a_value_of_the_alert_is_no_regular_expression(
    template: str, value: str, query: str
) -> None:
    declared = source("http://loki", "loki", lines=template)
    assert filled(declared.queries["lines"], {"service": value}, "loki") == query


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("kind", ["prometheus", "loki"])
@pytest.mark.parametrize(
    "template",
    [
        '{app="x"} |= `{{service}}`',
        '{app="x"} |= `"{{service}}"`',
        "x{job='{{service}}'}",
        "x{job='\"{{service}}\"'}",
        "{{service}}",
        "x[{{service}}]",
        'x{job="a} + {{service}}',
        'x # "\n + {{service}} #"',
        r'x{job="\{{service}}"}',
        r'x{job=~"\\{{service}}"}',
        '{app="x"} |> "{{service}}"',
        '{app="x"} | label_format a="{{service}}"',
        'label_replace(x, "a", "b", "c", "{{service}}")',
    ],
)
def test_a_query_whose_place_a_value_could_leave_is_refused(kind: str, template: str) -> None:
    with pytest.raises(
        ValueError, match=r"lines: put \{\{service\}\} into double quotes behind =,"
    ):
        source("http://loki", kind, lines=template)


def test_a_query_after_a_stage_of_another_one_may_name_a_place() -> None:
    source("http://loki", "loki", a='rate({a="b"} | json [5m]) / rate({a="{{service}}"}[5m])')


async def test_loki_gives_the_newest_lines_and_clickhouse_rows_by_parameters() -> None:
    async def loki(_request: web.Request) -> web.Response:
        values = [[str(n), f"line {n}"] for n in range(1, 4)]
        return web.json_response({"data": {"result": [{"stream": {}, "values": values}]}})

    queries_sent: list[Any] = []

    async def clickhouse(request: web.Request) -> web.Response:
        queries_sent.append(dict(request.query))
        return web.Response(text="host\tn\na\t3\n")

    async with served(loki) as loki_url, served(clickhouse) as clickhouse_url:
        gathered = await evidence(
            source(loki_url, "loki", errors='{app="{{env}}"}'),
            source(clickhouse_url, "clickhouse", hosts="SELECT host FROM t WHERE s = {{service}}"),
        )
    assert [fact.text for fact in gathered.facts] == ["line 3\nline 2\nline 1", "host\tn\na\t3"]
    assert queries_sent[0]["query"] == "SELECT host FROM t WHERE s = {service:String}"
    assert (queries_sent[0]["param_service"], queries_sent[0]["readonly"]) == (
        VALUES["service"],
        "1",
    )


async def test_a_source_that_hangs_or_fails_is_named_and_holds_nothing_up() -> None:
    released = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"status": "error", "error": "parse error"}, status=400)

    async def fine(_request: web.Request) -> web.Response:
        return web.json_response(vector(({}, "1")))

    async with served(hang) as late, served(refuse) as wrong, served(fine) as good:
        sources = [
            source(good),
            EvidenceSource(name="late", kind="loki", url=late, queries={"a": "b"}),
            EvidenceSource(name="wrong", kind="prometheus", url=wrong, queries={"a": "b"}),
            EvidenceSource(name="gone", kind="loki", url="http://127.0.0.1:1", queries={"a": "b"}),
        ]
        gathered = await evidence(*sources, seconds=0.5)
        released.set()
    assert [fact.source for fact in gathered.facts] == ["prometheus"]
    assert {failure.source: failure.word for failure in gathered.failures} == {
        "late": "late",
        "wrong": "failed",
        "gone": "unreachable",
    }
    (wrong_failure,) = (f for f in gathered.failures if f.source == "wrong")
    assert "parse error" in wrong_failure.error, "its own words are kept"


@pytest.mark.attack("ASI02")
async def test_no_redirect_leads_to_an_address_that_is_not_declared() -> None:
    reached: list[str] = []

    async def secret(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.json_response(vector(({}, "1")))

    async with served(secret) as inside:

        async def redirect(_request: web.Request) -> web.Response:
            raise web.HTTPFound(f"{inside}/metadata")

        async with served(redirect) as url:
            gathered = await evidence(source(url))
    assert reached == []
    assert [failure.word for failure in gathered.failures] == ["failed"]


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (LARGEST + 1),
        b"not json",
        b"[]",
        b'{"status": "success"}',
        b'{"data": null}',
        b"\xff",
    ],
)
async def test_an_answer_of_any_other_form_is_a_failure(body: bytes) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body)

    async with served(answer) as url:
        gathered = await evidence(source(url), source(url, "loki"))
    assert {failure.word for failure in gathered.failures} == {"failed"}


async def test_a_fact_of_a_declared_query_is_cut() -> None:
    async def answer(_request: web.Request) -> web.Response:
        row = [["1764000000000000000", "ä" * 10_000]]
        return web.json_response({"data": {"result": [{"values": row}]}})

    async with served(answer) as url:
        gathered = await evidence(source(url, "loki", lines='{app="web"}'))
    assert [len(fact.text) for fact in gathered.facts] == [FACT_CHARS]


def test_only_so_many_facts_fit() -> None:
    facts = [KnownFact("s", f"n{number}", "ä" * 600, NOW) for number in range(100)]
    kept = Evidence.of(facts, []).facts
    assert sum(len(fact.text) for fact in kept) <= FACTS_CHARS
    assert [fact.id for fact in kept[:2]] == ["E1", "E2"]
    evidence_of_all = Evidence(kept)
    assert Evidence.from_json(evidence_of_all.as_json()) == evidence_of_all


@pytest.mark.parametrize(
    "change",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://user:pw@host"},
        {"url": "http://host/?q=1"},
        {"queries": {"a": "{{password}}"}},
        {"queries": {}},
        {"kind": "shell"},
        {"url": ""},
        {"kind": "gateway"},
        {"kind": "gateway", "queries": {}},
        {"kind": "gateway", "url": ""},
        {"kind": "gateway", "url": "", "queries": {}, "access": {"token_file": "/run/a"}},
    ],
)
def test_a_source_that_cannot_work_is_refused(change: dict[str, Any]) -> None:
    good = {"name": "a", "kind": "loki", "url": "http://loki:3100", "queries": {"a": "b"}}
    EvidenceSource.model_validate(good)
    with pytest.raises(ValueError, match="validation error"):
        EvidenceSource.model_validate(good | change)


@pytest.mark.attack("ASI06")
def test_deploys_with_long_addresses_push_no_other_fact_out() -> None:
    deploy = Deploy(
        service="web",
        name="web",
        env="prod",
        version="1",
        at=NOW,
        by="",
        url="https://a.example/" + "x" * 2_000,
        source="github",
    )
    symptom = Symptom("web", "prod", Trouble.ACUTE, NOW)
    facts = [*deploy_facts([deploy] * MOST, [symptom])]
    pods = KnownFact("cluster", "pods/shop", "x" * CLUSTER_CHARS, NOW)
    assert Evidence.of([*facts, pods], []).facts[-1].name == "pods/shop"
