"""One trace from an alert to its verified remediation, in a real OpenTelemetry collector."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.serving.traces import trace_id_of
from tests.advice.model_servers import MODEL, ModelServer
from tests.helpers.bot_processes import run_bot
from tests.helpers.clocks import RunningClock
from tests.helpers.http_servers import served, vector
from tests.helpers.otlp_collector import Collector
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess, gateway_config
from tests.scenarios.world import BEN, SECRET, SERVICE, Gateway, LeakyService, World

KEY = "collector-key-0123456789"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
async def collector() -> Collector:
    return Collector()


@pytest.fixture
async def endpoint(collector: Collector) -> AsyncIterator[str]:
    async with served(collector.handle) as url:
        yield url


@pytest.fixture
async def gateway(
    leaky_service: LeakyService, endpoint: str, tmp_path: Path
) -> AsyncIterator[Gateway]:
    state = tmp_path / "gateway"
    config = read_config(gateway_config(leaky_service, state), environ={"GATEWAY_SECRET": SECRET})
    environ = {"PATH": os.environ["PATH"], ENDPOINT: endpoint}
    async with running(config, environ=environ) as started:
        yield Gateway(started.url, state)


async def errors(_request: web.Request) -> web.Response:
    return web.json_response(vector(({"job": "web"}, "0.078")))


async def test_an_incident_is_one_trace_though_the_bot_is_killed_in_its_middle(
    world: World, bot_process: StartProcess, collector: Collector, endpoint: str
) -> None:
    async with served(ModelServer().ollama) as ollama, served(errors) as prometheus:
        source = {"name": "prom", "kind": "prometheus", "url": prometheus}
        source["queries"] = {"errors": "errors"}
        world.write_policy(BEN, segments={"llm": {"sources": [source]}})
        settings = {
            ENDPOINT: endpoint,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={KEY}",
            "ADVISOR": "ollama",
            "ADVISOR_OLLAMA_URL": ollama,
            "ADVISOR_OLLAMA_MODEL": MODEL,
        }
        first = await bot_process(**settings)
        await world.leaky_service.make_unhealthy()
        await world.alert()
        await world.advice()
        await world.press(await world.approval_card("awaiting approval"), "Approve")
        await world.result("Verified")
        await until(lambda: collector.named("alert.accept"), why="the first bot exports")
        first.kill()
        await first.ended()
        await bot_process(**settings)
        await world.resolves()
        await world.resolved("INC-1 resolved")
        await until(lambda: collector.named("incident.resolve"), why="the second bot goes on")

    tracking_id = world.rows("SELECT tracking_id FROM incidents")[0]["tracking_id"]
    assert {span.trace_id for span in collector.spans} == {trace_id_of(tracking_id)}
    (root,) = {span.span_id: span for span in collector.spans if not span.parent_id}.values()
    parents = {
        "alert.accept": None,
        "alert.fold": "alert.accept",
        "card.post": "alert.accept",
        "evidence.gather": "alert.accept",
        f"chat {MODEL}": "alert.accept",
        "remediation.propose": "alert.accept",
        "approval.decide": "remediation.propose",
        "remediation.dispatch": "approval.decide",
        "gateway.execute": "remediation.dispatch",
        "remediation.verify": "remediation.dispatch",
        "incident.resolve": "alert.accept",
    }
    by_id = {span.span_id: span.name for span in collector.spans}
    assert root.name == "alert.accept"
    for name, parent in parents.items():
        spans = collector.named(name)
        assert spans, f"no span {name} among {sorted(set(by_id.values()))}"
        assert {by_id.get(span.parent_id) for span in spans} <= {parent, "alert.accept"}
    assert by_id[collector.span("gateway.execute").parent_id] == "remediation.dispatch"
    assert collector.span("gateway.execute").service == "sopbot-gateway"
    assert not any(span.failed for span in collector.spans)
    assert collector.span("remediation.dispatch").seconds > 0


async def test_advice_has_the_attributes_of_generative_models_and_no_text_leaves(
    world: World, bot: StartBot, clock: RunningClock, collector: Collector, endpoint: str
) -> None:
    model = ModelServer()
    async with served(model.ollama) as ollama:
        started = await bot(
            **{ENDPOINT: endpoint, "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={KEY}"},
            ADVISOR="ollama",
            ADVISOR_OLLAMA_URL=ollama,
            ADVISOR_OLLAMA_MODEL=MODEL,
        )
        await world.alert(name="SecretCustomerName")
        await world.advice()
        await world.quiet()
        clock.forward(10)
        await until(lambda: collector.named(f"chat {MODEL}"), why="the advice is exported")
    attributes = collector.span(f"chat {MODEL}").attributes
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.system": "ollama",
        "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": 26,
        "gen_ai.usage.output_tokens": 5,
    }
    assert attributes.items() >= expected.items()
    exported = repr(collector.spans)
    for text in ("SecretCustomerName", SERVICE, "disk is full", KEY):
        assert text not in exported, f"{text!r} has no place in an attribute"
    assert collector.headers[-1]["x-api-key"] == KEY
    await until(
        lambda: b'sopbot_trace_spans_total{outcome="sent"}' in started.metrics.text(),
        why="the spans are counted once the collector has answered",
    )


@pytest.mark.one_engine
@pytest.mark.parametrize("behaviour", ["hang", "500"])
async def test_a_collector_that_is_sick_holds_up_nothing_and_its_spans_are_counted(
    world: World,
    bot: StartBot,
    clock: RunningClock,
    collector: Collector,
    endpoint: str,
    behaviour: str,
) -> None:
    collector.behaviour = behaviour
    started = await bot(**{ENDPOINT: endpoint})
    await world.alert()
    await world.card()
    await world.quiet()
    clock.forward(10)
    await until(lambda: collector.headers, why="the collector is asked")
    await world.alert("search-api")
    await world.card(number=2)
    assert started.health.ready

    def dropped() -> bool:
        return b'sopbot_trace_spans_total{outcome="dropped"}' in started.metrics.text()

    await until(dropped, why="the spans are counted")


@pytest.mark.one_engine
async def test_without_a_collector_there_is_no_step_no_thread_and_no_header(
    world: World, bot: StartBot
) -> None:
    started = await bot()
    assert "export_traces" not in {step.name for step in started.runner.steps}
    assert b"sopbot_trace_spans_total{" not in started.metrics.text()
    assert world.rows("SELECT * FROM stats_progress WHERE name = 'traces'") == []


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("take", "✓ traces {url}/v1/traces takes spans"),
        ("401", "✗ traces the collector refuses OTEL_EXPORTER_OTLP_HEADERS (401)"),
        ("404", "✗ traces OTEL_EXPORTER_OTLP_ENDPOINT: {url}/v1/traces answered 404"),
        ("away", "✗ traces OTEL_EXPORTER_OTLP_ENDPOINT: no answer (ClientConnectorError)"),
    ],
)
async def test_the_check_says_whether_the_collector_takes_spans(
    world: World, collector: Collector, endpoint: str, behaviour: str, expected: str
) -> None:
    collector.behaviour = behaviour
    url = "http://127.0.0.1:9" if behaviour == "away" else endpoint
    settings = world.settings(**{ENDPOINT: url, "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={KEY}"})
    _, out, _ = await run_bot("check", settings=settings, folder=world.folder)
    lines = [" ".join(line.split()) for line in out.splitlines() if "traces" in line]
    assert lines[0].startswith(expected.format(url=url)), out
    assert KEY not in out
