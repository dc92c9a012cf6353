"""The example proxy before Docker's socket, on a real HAProxy and a real engine."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.remediation.client import ActionCall
from tests.helpers.waiting import until

from .conftest import Desk, DockerDaemon, need

pytestmark = pytest.mark.services

EXAMPLE = Path(__file__).parents[2] / "deploy" / "gateway" / "docker-proxy.cfg"
LOOP = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"


@pytest.fixture
async def proxy(docker_daemon: DockerDaemon) -> AsyncIterator[str]:
    """The example before the engine of the tests; only the sockets and the users are others."""
    need("haproxy")
    with tempfile.TemporaryDirectory(prefix="sopbot-proxy-") as folder:
        socket, file = Path(folder) / "docker.sock", Path(folder) / "proxy.cfg"
        text = EXAMPLE.read_text()
        for old, new in (
            ("unix@/run/sopbot-docker/docker.sock", f"unix@{socket}"),
            (" group sopbot-gateway", ""),
            ("    user sopbot-docker\n    group docker\n", ""),
            ("unix@/var/run/docker.sock", f"unix@{docker_daemon.url.removeprefix('unix://')}"),
        ):
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        process = await asyncio.create_subprocess_exec(
            "haproxy", "-db", "-f", str(file), stderr=asyncio.subprocess.PIPE
        )
        try:
            await until(socket.exists, why="the proxy listens")
            yield f"unix://{socket}"
        finally:
            process.terminate()
            async with asyncio.timeout(30):
                await process.communicate()


@pytest.fixture
def container(docker_daemon: DockerDaemon) -> Iterator[str]:
    """A container that runs until the test ends."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    docker_daemon.run(
        "run", "-d", "--name", name, "--network", "none",
        "sopbot-test:1", "/bin/busybox", "sh", "-c", LOOP,
    )  # fmt: skip
    yield name
    docker_daemon.run("rm", "-f", name)


async def test_the_proxy_lets_everything_through_that_the_executor_needs(
    start: Callable[..., Any], proxy: str, container: str
) -> None:
    target = {"executor": "docker", "container": container, "most_memory_mb": 64}
    desk: Desk = await start({"web": target}, docker={"url": proxy})
    assert (await desk.client.health()).checks["docker"].startswith("ok: engine ")
    needed = {
        "service.status": {},
        "service.stats": {},
        "service.logs": {"lines": 5},
        "service.restart": {"grace_seconds": 1},
        "service.stop": {"grace_seconds": 1},
        "service.start": {},
        "docker.update_resources": {"memory_mb": 32},
    }
    offered = {action.id for action in desk.gateway.dispatcher.catalogue.offered("web")}
    assert offered == set(needed), "the example covers every action of the executor"
    for number, (action, parameters) in enumerate(needed.items()):
        call = ActionCall(action_id=action, target="web", parameters=parameters)
        plan = await desk.client.plan(call)
        assert plan is not None
        outcome = await desk.client.execute(call, key=f"k{number}", digest=plan.digest)
        assert outcome.state == "succeeded", (action, outcome)


@pytest.mark.attack("ASI05")
async def test_the_proxy_refuses_what_gives_the_machine_away(
    proxy: str, container: str, docker_daemon: DockerDaemon
) -> None:
    identifier = docker_daemon.run("inspect", "-f", "{{.Id}}", container)
    refused = [
        ("POST", "/containers/create?name=evil"),
        ("POST", f"/containers/{identifier}/exec"),
        ("POST", "/exec/abc/start"),
        ("GET", f"/containers/{identifier}/archive?path=/etc/shadow"),
        ("PUT", f"/containers/{identifier}/archive?path=/"),
        ("POST", f"/containers/{identifier}/attach?stream=1"),
        ("GET", f"/containers/{identifier}/export"),
        ("DELETE", f"/containers/{identifier}"),
        ("POST", f"/containers/{container}/stop"),
        ("POST", f"/containers/{identifier}/kill"),
        ("POST", f"/containers/{identifier}/rename?name=x"),
        ("GET", "/containers/json?all=1"),
        ("GET", "/info"),
        ("GET", "/secrets"),
        ("POST", "/build"),
        ("POST", "/images/create?fromImage=evil"),
        ("POST", "/volumes/create"),
        ("POST", "/v1.41/containers/create"),
        ("POST", f"/containers/{identifier}/../create"),
        ("POST", f"/containers/{identifier}/restart/../../create"),
        ("POST", f"//containers/{identifier}/exec"),
        ("POST", f"/containers/{identifier}%2fexec"),
        ("POST", f"/containers/{identifier.upper()}/stop"),
        ("GET", f"/containers/{container}/json%00/../../info"),
    ]
    socket = proxy.removeprefix("unix://")
    for method, path in refused:
        data = f"{method} {path} HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n"
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(data.encode())
        status = (await reader.readline()).split()[1]
        writer.close()
        # The engine itself answers 400 to a request without a body, so that this proves nothing.
        assert status == b"403", (method, path)
    assert docker_daemon.run("inspect", "-f", "{{.State.Running}}", container) == "true"
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status"):
        DockerDaemon(proxy).run("exec", container, "/bin/busybox", "true")
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=socket)) as session,
        session.get(
            f"http://docker/containers/{container}/json", headers={"Upgrade": "tcp"}
        ) as answer,
    ):
        assert answer.status == 403, "a hijacked connection is not looked into"
