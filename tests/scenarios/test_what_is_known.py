"""Evidence from a declared source: in the incident's thread, and in the advisor's prompt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.helpers.http_servers import served, vector
from tests.helpers.kubernetes_api import NS, TOKEN, Cluster
from tests.scenarios.http_caller import StartWithHttp, firing, webhook
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine

# Answers with the facts that it was sent.
ADVISOR = """
import sys
if "--version" in sys.argv:
    print("advisor 1.0")
else:
    asked = sys.stdin.read()
    has_it = "now 0.078" in asked and '"id": "E1"' in asked
    print("it saw: " + ("the error rate" if has_it else "-"))
"""


async def test_what_a_source_says_stands_in_the_thread_and_goes_to_the_advisor(
    world: World, bot: StartBot, tmp_path: Path
) -> None:
    queries_sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        queries_sent.append(request.query["query"])
        return web.json_response(vector(({"job": "web"}, "0.078")))

    script = tmp_path / "advisor.py"
    script.write_text(ADVISOR)
    async with served(answer) as url:
        sources = [
            {
                "name": "prom",
                "kind": "prometheus",
                "url": url,
                "queries": {"error-rate": 'errors{service="{{service}}"}'},
            },
            {
                "name": "loki",
                "kind": "loki",
                "url": "http://127.0.0.1:1",
                "queries": {"lines": '{app="{{service}}"}'},
            },
        ]
        override = {"name": "o", "match": {"service": "checkout-*"}, "llm": {"sources": sources}}
        other = {"name": "p", "match": {"service": "x"}, "llm": {"source_timeout_ms": 90}}
        world.write_policy("U0BEN", segments={"overrides": [other, override]})
        await bot(ADVISOR_COMMAND=json.dumps([sys.executable, str(script)]))
        await world.alert("checkout-api")
        await world.card("checkout-api")
        await world.quiet()
    (message,) = world.replies("evidence")
    known = message.text
    assert "What is known" in known
    assert "E1 prom · error-rate" in known.replace("*", "")
    assert "now 0.078" in known
    assert "No answer from loki (unreachable)" in known
    (advice,) = world.replies("advice")
    assert "it saw: the error rate" in advice.text
    assert queries_sent[0] == 'errors{service="checkout-api"}'


async def test_the_state_of_the_alerts_namespace_in_a_cluster_stands_in_the_thread(
    start_with_http: StartWithHttp, world: World, tmp_path: Path
) -> None:
    token, cluster = tmp_path / "token", Cluster()
    token.write_text(TOKEN)
    async with served(cluster.answer) as url:
        access = {"token_file": str(token)}
        source = {"name": "cluster", "kind": "kubernetes", "url": url, "access": access}
        llm = {"sources": [source], "source_timeout_ms": 5_000}
        world.write_policy("U0BEN", segments={"llm": llm})
        at = await start_with_http()
        await at.post("/alerts/alertmanager", webhook(firing("web", namespace=NS)))
        await world.card("web")
        await world.quiet()
    (message,) = world.replies("evidence")
    assert "cluster · pods/shop" in message.text
    assert "CrashLoopBackOff" in message.text
    assert "OOMKilled" in message.text
    assert TOKEN not in message.text
