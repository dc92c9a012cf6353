"""The command poller: the lines that a program prints are what is wrong now."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.configuration import Configuration
from bot.errors import InputError
from bot.policy import parse_policy
from bot.response.command_poller import MOST_OUTPUT, CommandPollers
from store.statements import Operation, query
from tests.helpers.builders import CHANNEL
from tests.helpers.incident_bench import Bench
from tests.helpers.silences import silence

PATTERN = "{service} is {title*}"


class Program:
    """A real program, which prints what a file holds, and the bot that runs it."""

    def __init__(self, bench: Bench, folder: Path, *arguments: str, **keys: Any) -> None:
        self.bench, self.output = bench, folder / "output"
        self.output.write_text("")
        poller = {
            "name": "probe",
            "command": arguments or ("/bin/cat", str(self.output)),
            "pattern": PATTERN,
            "every_seconds": 10,
        }
        text = json.dumps({"detect": {"commands": [poller | keys]}})
        self.config = bench.service.config
        self.config.current = Configuration(parse_policy(text, file="policy.yaml"))
        self.pollers = self.of("h1")

    def of(self, host: str) -> CommandPollers:
        bench = self.bench
        return CommandPollers(bench.service, self.config, bench.clock, CHANNEL, host=host)

    async def run(self, text: str, pollers: CommandPollers | None = None) -> list[str]:
        """Let it print this when it is due; the titles and states of all incidents, in order."""
        self.output.write_text(text)
        self.bench.now += timedelta(seconds=11)
        await (pollers or self.pollers).poll()
        return await self.incidents()

    async def incidents(self) -> list[str]:
        def read() -> Operation[list[Any]]:
            return (yield query("SELECT title, status FROM incidents ORDER BY id"))

        rows = await self.bench.store._engine.read(read)
        return [f"{row['title']}: {row['status']}" for row in rows]


@pytest.fixture
def program(bench: Bench, tmp_path: Path) -> Program:
    return Program(bench, tmp_path)


async def test_what_it_prints_fires_and_what_it_no_longer_prints_is_over(program: Program) -> None:
    text = "web is down\ndb is slow (12 ms)\nall else is well\n"
    assert await program.run(text) == ["down: open", "slow (12 ms): open"]
    assert len(await program.run("web is down\ndb is slow (15 ms)\n")) == 2
    first, second = await program.run("db is slow (9 ms)\n")
    assert first == "down: resolved"
    assert second.endswith(": open")
    assert all(line.endswith(": resolved") for line in await program.run(""))


async def test_it_is_run_only_when_it_is_due(program: Program) -> None:
    await program.run("web is down\n")
    program.output.write_text("")
    await program.pollers.poll()
    assert await program.incidents() == ["down: open"], "the next run is in ten seconds"


async def test_another_host_clears_only_what_it_reported_itself(program: Program) -> None:
    other = program.of("h2")
    assert await program.run("web is down\n") == ["down: open"]
    await program.run("", other)
    assert await program.incidents() == ["down: open"]


async def test_what_a_silence_suppressed_and_is_over_opens_nothing_at_its_end(
    program: Program,
) -> None:
    await program.bench.store.silence(silence(severity=["*"], service="web", hours=1))
    assert await program.run("web is down\n") == []
    assert await program.run("") == []
    program.bench.now += timedelta(hours=2)
    await program.bench.service.settle()
    assert await program.incidents() == []


async def test_what_a_silence_suppressed_and_still_fires_opens_at_its_end(
    program: Program,
) -> None:
    await program.bench.store.silence(silence(severity=["*"], service="web", hours=1))
    assert await program.run("web is down\n") == []
    program.bench.now += timedelta(hours=2)
    await program.bench.service.settle()
    assert await program.incidents() == ["down: open"]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("import time; print('web is down', flush=True); time.sleep(600)", "was stopped: deadline"),
        (f"print('web is down\\n' * {MOST_OUTPUT})", "was stopped: too_long"),
        ("import os; print('web is down', flush=True); os.kill(os.getpid(), 9)", "by a signal"),
    ],
)
async def test_a_run_that_did_not_end_changes_nothing_and_is_reported_once(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture, script: str, problem: str
) -> None:
    program = Program(bench, tmp_path, sys.executable, "-c", script, timeout_seconds=1)
    assert await program.run("") == []
    assert await program.run("") == []
    assert caplog.text.count(problem) == 1


async def test_a_program_that_is_not_there_is_reported(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = Program(bench, tmp_path, "/nowhere/probe")
    assert await program.run("") == []
    assert "command poller probe: /nowhere/probe cannot be run" in caplog.text


async def test_a_check_that_exits_with_one_has_found_something(
    bench: Bench, tmp_path: Path
) -> None:
    script = "import sys; print('web is down'); sys.exit(2)"
    program = Program(bench, tmp_path, sys.executable, "-c", script)
    assert await program.run("") == ["down: open"]


@pytest.mark.attack("ASI03")
async def test_the_program_gets_no_secret_of_the_bot(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("PAGERDUTY_TOKEN", "secret")
    script = "import os; print('web is', sorted(k for k in os.environ if 'TOKEN' in k))"
    program = Program(bench, tmp_path, sys.executable, "-c", script)
    assert await program.run("") == ["[]: open"]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"command": ["probe"]}, "absolute path"),
        ({"command": []}, "command"),
        ({"command": "/bin/cat x"}, "command"),
        ({"every_seconds": 1}, "every_seconds"),
    ],
)
def test_a_wrong_declaration_is_named(keys: dict[str, Any], problem: str) -> None:
    poller = {"name": "probe", "command": ["/bin/true"], "pattern": PATTERN} | keys
    with pytest.raises(InputError, match=problem):
        parse_policy(json.dumps({"detect": {"commands": [poller]}}), file="policy.yaml")
