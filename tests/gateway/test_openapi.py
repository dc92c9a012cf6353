from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import fastjsonschema
import pytest

from bot.gateway.openapi import ENDPOINTS, document
from bot.remediation import contract

from .conftest import legacy

PLACES = os.pathsep.join(
    [str(Path(__file__).parents[2] / ".schemathesis" / "bin"), os.environ["PATH"]]
)
SAY = {
    "title": "Say a word",
    "argv": [sys.executable, "-c", "import sys; print(sys.argv[1])", "{word}"],
    "parameters": {"word": {"pattern": "[a-z]{1,9}"}},
    "targets": ["web"],
}


async def test_the_document_has_every_route_and_the_answers_fit_it(start):
    desk = await start({"web": {"executor": "command"}}, commands={"say.it": SAY})
    _, shown = await desk.get("/openapi.json")
    routes = {
        (route.method, route.path.replace("{key}", "k"))
        for route in desk.gateway.routes
        if route.method != "HEAD"
    }
    named = {(e.method.upper(), e.path.replace("{key}", "k")) for e in ENDPOINTS}
    assert named == routes

    body = legacy("web", "", action={"id": "say.it", "parameters": {"word": "hello"}})
    _, plan = await desk.post("/plan", body)
    approved = body | {"plan_digest": plan["digest"]}
    key = {contract.IDEMPOTENCY_KEY: "k1"}
    answers = {
        ("/plan", "post", "200"): plan,
        ("/execute", "post", "200"): (await desk.post("/execute", approved, **key))[1],
        ("/execute", "post", "409"): (await desk.post("/execute", approved | {"plan_digest": "x"}))[
            1
        ],
        ("/execute", "post", "422"): (await desk.post("/execute", body))[1],
        ("/execute-docker-command", "post", "422"): (
            await desk.post("/execute-docker-command", {"source_id": 3})
        )[1],
        ("/execute-docker-command", "post", "200"): (
            await desk.post("/execute-docker-command", legacy("web", "sing"))
        )[1],
        ("/executions/{key}", "get", "200"): (await desk.get("/executions/k1"))[1],
        ("/executions/{key}", "get", "404"): (await desk.get("/executions/k2"))[1],
        ("/actions", "get", "200"): (await desk.get("/actions"))[1],
        ("/health", "get", "200"): (await desk.get("/health"))[1],
        ("/dump", "get", "200"): (await desk.get("/dump"))[1],
    }
    assert answers["/execute", "post", "200"]["overall_status"] == "COMPLETED_SUCCESS"
    for (path, method, status), answer in answers.items():
        response = shown["paths"][path][method]["responses"][status]
        schema = response["content"]["application/json"]["schema"]
        whole = {**schema, "components": shown["components"]}
        fastjsonschema.compile(whole, use_default=False)(answer)


def test_only_a_signed_gateway_asks_for_a_secret():
    for signed in (True, False):
        paths = document("1", signed=signed)["paths"]
        assert ("security" in paths["/plan"]["post"]) is signed
        assert "security" not in paths["/health"]["get"]


def test_a_process_makes_the_document_once():
    assert document("1", signed=True) is document("1", signed=True)


async def test_a_gateway_that_nobody_asks_makes_no_document(start):
    made = document.cache_info().misses + document.cache_info().hits
    desk = await start({})
    assert document.cache_info().misses + document.cache_info().hits == made
    await desk.get("/openapi.json")
    assert document.cache_info().misses + document.cache_info().hits == made + 1


@pytest.mark.chaos
async def test_requests_made_from_the_document_never_get_a_500(start, tmp_path):
    program = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis", path=PLACES)
    if program is None:
        pytest.skip("schemathesis is not on this machine (make schemathesis)")
    desk = await start(
        {"web": {"executor": "command"}},
        commands={"say.it": SAY},
        limits={"plans_per_minute": 100_000},
    )
    process = await asyncio.create_subprocess_exec(
        *(program, "run", desk.url + "/openapi.json", "--max-examples", "25", "--no-color"),
        *("--seed", os.environ.get("SOPBOT_SEED", "1")),
        "--checks",
        "not_a_server_error,status_code_conformance,response_schema_conformance",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-3000:]
    assert b"Tested: 10" in output or b"Tested: 9" in output
