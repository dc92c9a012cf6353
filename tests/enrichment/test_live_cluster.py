"""The evidence of a live cluster: by its HTTP API, read only, in time, without showing a secret."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from bot.enrichment.gathering import gather
from bot.enrichment.kubernetes.about import About
from bot.enrichment.model import FACTS_CHARS, Evidence
from bot.enrichment.segment import EvidenceSource
from tests.helpers.http_servers import served
from tests.helpers.kubernetes_api import NS, POD, TOKEN, Cluster

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
ABOUT = About(NS, "web", text="web is down")


def write(file: Path, secret: str) -> None:
    file.write_text(secret)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    write(file, f"{TOKEN}\n")
    return file


async def evidence(
    url: str, token: Path | None, about: About | None = ABOUT, seconds: float = 20
) -> Evidence:
    access = {"token_file": token} if token else {}
    source = EvidenceSource.model_validate(
        {"name": "cluster", "kind": "kubernetes", "url": url, "access": access}
    )
    async with aiohttp.ClientSession() as session:
        return await gather(session, [source], {}, NOW, seconds=seconds, about=about)


async def test_a_live_cluster_gives_the_same_parts_as_a_snapshot(token: Path) -> None:
    cluster = Cluster()
    async with served(cluster.answer) as url:
        gathered = await evidence(url, token)
    assert gathered.failures == ()
    assert [fact.name for fact in gathered.facts] == [
        "node-services/worker-01",
        f"pods/{NS}",
        f"events/{NS}",
        f"describe/{NS}.{POD}",
        f"errors/{NS}.web",
    ]
    node, pods, events, described, errors = (fact.text for fact in gathered.facts)
    assert "NotReady Kubelet stopped posting node status." in node
    assert pods == f"{POD} 0/1 CrashLoopBackOff 7 (2m ago) 41d 10.0.0.9 worker-01"
    assert "Warning BackOff ×26" in events
    for line in (
        "Reason: OOMKilled",
        "Exit Code: 137",
        "memory: 64Mi",
        "Liveness: http-get :8080/healthz",
        "DB_PASSWORD: <set to the key 'password' in secret 'db'>",
        "Ready not ready False",
        "data: persistentVolumeClaim data-web",
        "Node-Selectors: disk=ssd",
    ):
        assert line in described
    assert errors == "×3 ERROR java heap space: out of memory"
    assert {request.partition(" ")[0] for request in cluster.requests} == {"GET"}
    (log,) = [request for request in cluster.requests if "/log?" in request]
    assert "previous=true" in log, "the container waits, so its last run is read"
    assert len(cluster.requests) == 4
    assert sum(len(fact.text) for fact in gathered.facts) <= FACTS_CHARS


@pytest.mark.attack("ASI03")
async def test_a_refused_token_is_named_in_a_word_and_never_shown(token: Path) -> None:
    cluster = Cluster()
    write(token, "another-token")

    async def echo(request: web.Request) -> web.Response:
        await cluster.answer(request)
        return web.Response(status=403, text=f"no: {request.headers['Authorization']}")

    async with served(echo) as url:
        gathered = await evidence(url, token)
    (failure,) = gathered.failures
    assert (failure.source, failure.word) == ("cluster", "not allowed")
    assert "another-token" not in json.dumps(gathered.as_json())


@pytest.mark.attack("ASI03")
async def test_a_password_is_sent_and_an_answer_that_repeats_it_is_redacted(
    tmp_path: Path,
) -> None:
    write(tmp_path / "password", "pässword")
    seen: list[str] = []

    async def echo(request: web.Request) -> web.Response:
        pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
        seen.append(pair.decode())
        header = request.headers["Authorization"]
        return web.Response(status=500, text=f"wrong: pässword, {header}")

    async with served(echo) as url:
        source = EvidenceSource.model_validate(
            {
                "name": "prom",
                "kind": "prometheus",
                "url": url,
                "queries": {"up": "up"},
                "access": {"username": "bot", "password_file": tmp_path / "password"},
            }
        )
        async with aiohttp.ClientSession() as session:
            gathered = await gather(session, [source], {}, NOW, seconds=20)
    assert set(seen) == {"bot:pässword"}
    assert (
        gathered.failures[0].error == "up: SourceError: HTTP 500: wrong: [secret], Basic [secret]"
    )


async def test_a_token_that_is_replaced_is_read_again(token: Path) -> None:
    cluster = Cluster()
    async with served(cluster.answer) as url:
        write(token, "old")
        assert (await evidence(url, token)).facts == ()
        write(token, TOKEN)
        assert (await evidence(url, token)).facts != ()


async def test_a_missing_token_file_calls_nobody(tmp_path: Path) -> None:
    cluster = Cluster()
    async with served(cluster.answer) as url:
        gathered = await evidence(url, tmp_path / "none")
    assert cluster.requests == []
    assert gathered.failures[0].word == "failed"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"kind": "Table"}', b'{"kind": "Table", "rows": 7}']
)
async def test_an_answer_of_another_form_is_named_and_the_rest_is_shown(
    body: bytes, token: Path
) -> None:
    cluster = Cluster()
    cluster.broken[f"namespaces/{NS}/pods"] = web.Response(body=body)
    async with served(cluster.answer) as url:
        gathered = await evidence(url, token)
    assert f"events/{NS}" in [fact.name for fact in gathered.facts]
    assert gathered.failures[0].word == "failed"


async def test_a_cluster_that_hangs_is_late_and_holds_up_nothing(token: Path) -> None:
    never = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with served(hang) as url:
        gathered = await evidence(url, token, seconds=0.2)
        never.set()
    assert gathered.failures[0].word == "late"


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("namespace", ["", "../nodes", "a/b", "shop?x=1", "a%2fb"])
async def test_a_namespace_that_is_no_name_asks_nothing(namespace: str, token: Path) -> None:
    cluster = Cluster()
    async with served(cluster.answer) as url:
        gathered = await evidence(url, token, About(namespace))
    assert (gathered, cluster.requests) == (Evidence(), [])


@pytest.mark.parametrize(
    "access",
    [
        {"token_file": "t", "username": "u"},
        {"username": "u"},
        {"password_file": "p"},
        {"username": "a:b", "password_file": "p"},
        {"token": "t0p-secret"},
    ],
)
def test_credentials_of_two_kinds_or_in_the_policy_itself_are_refused(
    access: dict[str, str],
) -> None:
    fields = {"name": "c", "kind": "kubernetes", "url": "https://c", "access": access}
    with pytest.raises(ValidationError) as caught:
        EvidenceSource.model_validate(fields)
    assert "t0p-secret" not in str(caught.value)


async def test_elasticsearch_gives_the_newest_messages() -> None:
    queries: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        queries.append(request.query["q"])
        hits = [{"_source": {"@timestamp": "2026-11-21T03:04:00Z", "message": "disk full"}}]
        return web.json_response({"hits": {"hits": hits}})

    async with served(answer) as url:
        source = EvidenceSource.model_validate(
            {
                "name": "logs",
                "kind": "elasticsearch",
                "url": f"{url}/logs-*",
                "queries": {"errors": 'level:error AND service:"{{service}}"'},
            }
        )
        values = {"service": 'web" OR "x\\'}
        async with aiohttp.ClientSession() as session:
            gathered = await gather(session, [source], values, NOW, seconds=20)
    assert [fact.text for fact in gathered.facts] == ["2026-11-21T03:04:00Z disk full"]
    (sent,) = queries
    query, _, time = sent.partition(" AND @timestamp:")
    assert query == r'(level:error AND service:"web\" OR \"x\\")'
    assert time == '["2026-11-21T02:04:05+00:00" TO *]'


@pytest.mark.parametrize(
    "query", ["service:{{service}}", 'x="{{service}}"', "service:'{{service}}'"]
)
def test_a_place_outside_of_quotes_is_refused_for_elasticsearch(query: str) -> None:
    fields = {"name": "l", "kind": "elasticsearch", "url": "http://l", "queries": {"q": query}}
    with pytest.raises(ValueError, match="double quotes"):
        EvidenceSource.model_validate(fields)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_that_holds_no_authority_calls_nobody(
    content: str | None, token: Path, tmp_path: Path
) -> None:
    if content is not None:
        write(tmp_path / "ca.pem", content)
    cluster = Cluster()
    async with served(cluster.answer) as url:
        source = EvidenceSource.model_validate(
            {
                "name": "cluster",
                "kind": "kubernetes",
                "url": url,
                "access": {"token_file": token, "ca_file": tmp_path / "ca.pem"},
            }
        )
        async with aiohttp.ClientSession() as session:
            gathered = await gather(session, [source], {}, NOW, seconds=20, about=ABOUT)
    assert cluster.requests == []
    assert gathered.failures[0].word == "failed"
