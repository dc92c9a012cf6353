"""Shared by every benchmark: a local Slack, a bare gateway, and programs as processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from bot.remediation.contract import ExecuteRequest, Plan
from bot.simulator import Call, LocalSlack

HERE = Path(__file__).parent
ROOT = HERE.parent
CHANNEL = "C0ALERTS01"
START_SECONDS = 20.0
_READY = re.compile(rb'(?:^ready(?:: )?|"event": "bot\.ready", "url": ")(http://[^\s"]+)?')


class Calls(list[Call]):
    """The local Slack's list of calls; passes each call to a listener instead of keeping it."""

    def __init__(self) -> None:
        super().__init__()
        self.on_call: Callable[[Call], None] = lambda _call: None

    def append(self, call: Call) -> None:
        """Pass the call on."""
        self.on_call(call)


@asynccontextmanager
async def local_slack() -> AsyncIterator[tuple[LocalSlack, Calls]]:
    """Return a local Slack, and its calls as they arrive."""
    async with LocalSlack.start() as slack:
        slack.core.calls = calls = Calls()
        yield slack, calls


class BareGateway:
    """Answers by the contract without any work, so that a gateway's work is not measured."""

    def __init__(self) -> None:
        self.url = ""
        self.on_request: Callable[[float], None] = lambda _at: None

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "healthy"})

    async def execute(self, request: web.Request) -> web.Response:
        """Answer success at once."""
        self.on_request(time.time())
        await request.read()
        result = {"status": "SUCCESS", "exit_code": 0, "stdout": "", "stderr": ""}
        return web.json_response(
            {
                "request_id": "bare",
                "timestamp_processed_utc": "2026-11-21T00:00:00Z",
                "overall_status": "COMPLETED_SUCCESS",
                "execution_details": {"command": "true", "execution_result": result},
                "error_details": None,
            }
        )

    async def plan(self, request: web.Request) -> web.Response:
        """Return the plan: no action, always the same."""
        request_body = ExecuteRequest.model_validate_json(await request.read())
        action = request_body.action_request.action
        plan = Plan(
            action=action.id if action else "",
            target=request_body.target_resource.name,
            executor="bare",
            display="true",
        )
        plan = plan.model_copy(update={"digest": plan.expected_digest()})
        return web.Response(body=plan.model_dump_json(), content_type="application/json")

    async def missing(self, _request: web.Request) -> web.Response:
        """Answer 404, like another gateway without this endpoint."""
        return web.json_response({"detail": "Not Found"}, status=404)


@asynccontextmanager
async def bare_gateway(
    gateway: BareGateway | None = None, *, plans: bool = False
) -> AsyncIterator[BareGateway]:
    """Listen on a free port; one that `plans` is asked for its plan before each request."""
    gateway = gateway or BareGateway()
    app = web.Application()
    app.router.add_get("/health", gateway.health)
    app.router.add_post("/execute-docker-command", gateway.execute)
    if plans:
        app.router.add_post("/plan", gateway.plan)
        app.router.add_post("/execute", gateway.execute)
    app.router.add_route("*", "/{rest:.*}", gateway.missing)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield gateway
    finally:
        await runner.cleanup()


@contextmanager
def workspace() -> Iterator[Path]:
    """Create a folder on the disk of this repository: a memory file system would make
    fsync free.
    """
    with tempfile.TemporaryDirectory(prefix=".run-", dir=HERE) as folder:
        yield Path(folder)


class SlackPlace(Protocol):
    """Address and users of a local Slack, in this process or in another."""

    @property
    def api_url(self) -> str: ...

    @property
    def bot_token(self) -> str: ...

    @property
    def app_token(self) -> str: ...

    @property
    def users(self) -> dict[str, str]: ...


def bot_settings(
    slack: SlackPlace, gateway: BareGateway, folder: Path, approver: str = ""
) -> dict[str, str]:
    """Return the settings of a bot without an advisor command and with one approver, its store in
    `folder`.

    The approver is ben, unless another user or user group is named.
    """
    policy = folder / "policy.yaml"
    rules = {
        "notify": {"post_interval_seconds": 0},  # otherwise Slack's rate limit would be measured
        # Presses arrive faster than any budget would allow.
        "remediate": {
            "approvers": [approver or slack.users["ben"]],
            "hourly_budget": 10_000,
            "hourly_budget_per_sop": 10_000,
            "hourly_budget_per_target": 10_000,
        },
    }
    policy.write_text(json.dumps(rules))
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "SLACK_ALERT_CHANNELS": CHANNEL,
        "AI_COMMAND_GATEWAY_URL": gateway.url,
        "AI_COMMAND_GATEWAY_TIMEOUT": "30",
        "AI_COMMAND_GATEWAY_SOURCE_ID": "bench",
        "ADVISOR_COMMAND": "",
        "AUDIT_KEY": "an audit key of the benchmarks",
        "STORE_URL": f"sqlite:///{folder / 'bot.db'}",
        "HTTP_ADDR": "127.0.0.1:0",
        "POLICY_FILE": str(policy),
        "SOP_DIR": str(folder / "sops"),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
    }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A folder on the disk, a bare gateway and a local Slack, for one or more bots."""

    folder: Path
    gateway: BareGateway
    slack: LocalSlack
    calls: Calls

    def settings(self) -> dict[str, str]:
        """Return `bot_settings`."""
        return bot_settings(self.slack, self.gateway, self.folder)


@asynccontextmanager
async def surroundings(gateway: BareGateway | None = None) -> AsyncIterator[Surroundings]:
    """Start a bot's surroundings, until the block ends."""
    with workspace() as folder:
        async with bare_gateway(gateway) as listening, local_slack() as (slack, calls):
            yield Surroundings(folder, listening, slack, calls)


def bare_settings(slack: LocalSlack, gateway_url: str, folder: Path) -> dict[str, str]:
    """Return the settings of the bare programs."""
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "AI_COMMAND_GATEWAY_URL": gateway_url,
        "BENCH_DB": str(folder / "bare.db"),
    }


class Child:
    """One of our programs as a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.url = ""
        self.ready_after = 0.0
        self.log: list[bytes] = []
        self._reader: asyncio.Task[None] | None = None

    async def until_ready(self, began: float) -> None:
        """Wait for its ready line. RuntimeError with its other output."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.log.append(line)
            if match := _READY.search(line):
                self.ready_after = time.perf_counter() - began
                self.url = (match[1] or b"").decode()
                self._reader = asyncio.create_task(self._read_on())
                return
        raise RuntimeError("not ready: " + b"".join(self.log).decode(errors="replace"))

    async def _read_on(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.log.append(line)

    def peak_rss_mb(self) -> float:
        """Return its peak memory in megabytes (10⁶ bytes), from the kernel's VmHWM."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6  # type: ignore[index]

    def cpu_seconds(self) -> float:
        """Return its processor time so far, in the program and in the kernel for it."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    @property
    def pid(self) -> int:
        return self._process.pid

    async def kill(self) -> float:
        """Send SIGKILL; return the time."""
        at = time.time()
        self._process.kill()
        await self._process.wait()
        return at

    async def stop(self) -> None:
        """End it and wait for its end."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reader:
            await self._reader


@asynccontextmanager
async def child(arguments: Sequence[str], settings: Mapping[str, str]) -> AsyncIterator[Child]:
    """Run `python -m …` in a clean environment, once it is ready."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env={**clean_environment(), **settings},
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    started = Child(process)
    try:
        async with asyncio.timeout(START_SECONDS):
            await started.until_ready(began)
        yield started
    finally:
        await started.stop()


def clean_environment() -> dict[str, str]:
    """Return the variables that a program needs, without any of our settings."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


def machine() -> dict[str, Any]:
    """Return the facts without which a figure is meaningless."""
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    uname = os.uname()
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{uname.sysname} {uname.release}",
        "python": sys.version.split()[0],
        "load": [round(average, 2) for average in os.getloadavg()],
        "loop_ms": round(min(_loop() for _ in range(5)), 1),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _loop() -> float:
    """Return the milliseconds of a million additions: the present speed of this machine's Python.

    A shared machine changes its speed by a factor of two within a minute.
    """
    began, total = time.perf_counter(), 0
    for number in range(1_000_000):
        total += number
    return (time.perf_counter() - began) * 1000
