"""A hostile or broken system answers the gateway with anything; nothing is run by it."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.kubernetes_access import Access
from bot.gateway.executors.kubernetes_api import Api
from bot.gateway.executors.remote import label
from bot.gateway.probes import TEXT_CHARS
from tests.helpers.http_servers import served

from .clusters import call, tried
from .conftest import legacy

pytestmark = pytest.mark.attack("ASI08")

SCALE = {"id": "service.scale", "parameters": {"replicas": 3}}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "ready"},
        {"status": {"readyReplicas": 1e999}},
        {"status": {"readyReplicas": "two"}},
        {"spec": {"template": {"spec": {"containers": "app"}}}},
        {"spec": {"template": {}, "replicas": []}},
        {"metadata": {"uid": "\ud800", "generation": 1}},
    ],
    ids=str,
)
async def test_an_answer_that_breaks_the_code_plans_and_runs_nothing(
    plane, cluster_desk, changes: dict[str, Any]
):
    desk = await cluster_desk(plane)
    plane.stopped = True
    plane.get("deployments", "web").update(copy.deepcopy(changes))
    status, answer = await desk.post("/plan", legacy("it", "", action=SCALE))
    assert (status, answer["error"]["code"]) == (502, "UNREADABLE_ANSWER"), answer
    outcome = await tried(desk, call("service.scale", replicas=3))
    assert (outcome.state, outcome.nothing_ran) == ("failed", True), outcome
    assert plane.changes == []
    if "uid" not in json.dumps(changes):
        report = (await desk.get("/health"))[1]["targets"]["it"]
        assert not report["ok"]
        assert "an unreadable answer" in report["text"]


async def test_what_a_system_says_is_short_for_strangers(plane, cluster_desk, start, tmp_path):
    desk = await cluster_desk(plane)
    plane.stopped = True
    template = plane.get("deployments", "web")["spec"]["template"]
    template["spec"]["containers"] = [{"image": "i" * 50}] * 10_000
    _, report = await desk.get("/health")
    assert len(json.dumps(report)) < 4 * TEXT_CHARS
    assert report["targets"]["it"]["text"].startswith("it: 2 of 2 replicas ready, iiii")

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"message": "\x1b[2J" + "x" * 900_000}, status=500)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket := tmp_path / "e.sock")).start()
    docker = {"url": f"unix://{socket}"}
    target = {"executor": "docker", "container": "web-1"}
    desk = await start({"it": target}, docker=docker, state="docker")
    _, report = await desk.get("/health")
    _, refusal = await desk.post("/plan", legacy("it", "", action={"id": "service.restart"}))
    await runner.cleanup()
    for answer in (report, refusal):
        shown = json.dumps(answer)
        assert len(shown) < 4 * TEXT_CHARS
        assert "\\u001b" not in shown


def test_a_text_of_megabytes_becomes_a_label_at_once():
    began = time.process_time()
    assert "\x1b" not in label("\x1b[" * 4_000_000, 300)
    assert label("a  b\n" * 1_000_000, 5) == "a b …"
    assert time.process_time() - began < 0.1, "the event loop would wait for it"


async def test_a_failing_answer_without_end_leaves_the_outcome_of_a_change_unknown() -> None:
    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500, body=b"x" * 9_000_000)

    async with served(fail) as url, Api(Access(URL(url), "", None), timeout_seconds=10) as api:
        with pytest.raises(OutcomeLost):
            await api.post("/", {})
        for harmless in (api.post("/", {}, dry_run=True), api.get("/")):
            with pytest.raises(ExecutorError):
                await harmless
