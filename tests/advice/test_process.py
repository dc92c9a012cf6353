"""The advisor's process: what goes in, what may come out, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot.errors import AdvisorError
from bot.serving.process_tree import Tree, members
from tests.advice.fake import FakeQ, step
from tests.helpers.waiting import until


def exists(path: str) -> bool:
    return Path(path).exists()


OWN_GROUP = {"group": True}
HOLDS_PIPE = {"holds_stdout": True}


async def test_the_prompt_goes_to_stdin_and_never_into_the_arguments(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    answer = await fakeq.command().ask("You advise the people who handle an incident. Why?")
    (call,) = fakeq.calls()
    assert answer.text == "HELLO"
    assert call["stdin"] == "You advise the people who handle an incident. Why?"
    assert call["argv"] == ["chat", "--no-interactive"]


@pytest.mark.attack("ASI05")
async def test_shell_characters_in_the_command_are_plain_text(fakeq: FakeQ, tmp_path: Path) -> None:
    fakeq.plays(step("HELLO"))
    await fakeq.command("--model", f"x; touch {tmp_path}/pwned $(id) `id` | cat").ask("why")
    assert fakeq.calls()[0]["argv"][-1] == f"x; touch {tmp_path}/pwned $(id) `id` | cat"
    assert not (tmp_path / "pwned").exists()


async def test_each_run_has_an_empty_directory_of_its_own_that_is_removed(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    command = fakeq.command()
    await command.ask("one")
    await command.ask("two")
    first, second = fakeq.calls()
    assert first["files"] == []
    assert first["cwd"] != second["cwd"]
    assert not [call for call in (first, second) if exists(call["cwd"])]


@pytest.mark.attack("ASI03")
async def test_no_secret_of_the_bot_reaches_the_command(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/home/x",
        "LC_ALL": "C.UTF-8",
        "AWS_REGION": "eu-west-1",
        "KIRO_API_KEY": "k",
        "SLACK_BOT_TOKEN": "xoxb-secret",
        "AI_COMMAND_GATEWAY_SECRET": "secret",
        "AUDIT_KEY": "secret",
        "HTTP_TOKEN": "secret",
        "DATABASE_PASSWORD": "secret",
        "Q_LOG_STDOUT": "1",
    }
    await fakeq.command(environ=environ).ask("why")
    seen = fakeq.calls()[0]["env"]
    assert "secret" not in " ".join(seen.values())
    assert "Q_LOG_STDOUT" not in seen
    assert {"HOME", "LC_ALL", "AWS_REGION", "KIRO_API_KEY"} <= set(seen)
    assert (seen["NO_COLOR"], seen["Q_DISABLE_TELEMETRY"]) == ("1", "1")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
async def test_the_memory_of_each_process_of_the_advisor_is_bounded(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    await fakeq.command(max_memory_mb=300).ask("why")
    await fakeq.command().ask("why")
    limited, free = fakeq.calls()
    assert limited["memory"] == 300 * 1024 * 1024
    assert free["memory"] == resource.getrlimit(resource.RLIMIT_DATA)[0]


async def test_a_child_that_closes_stdin_early_does_not_disturb_a_big_prompt(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO", close_stdin=True))
    answer = await fakeq.command().ask("x" * 1_000_000)
    assert answer.text == "HELLO"


async def test_a_big_prompt_arrives_whole(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    await fakeq.command().ask("You advise the people who handle an incident." + "x" * 1_000_000)
    assert len(fakeq.calls()[0]["stdin"]) == 1_000_045


async def test_a_character_split_over_two_writes_is_read_whole(fakeq: FakeQ) -> None:
    fakeq.plays(step(stdout=[b"\x1b[38;5;1", b"0m> \x1b[0mgr\xc3", b"\xbcn \xe2\x82", b"\xac"]))
    assert (await fakeq.command().ask("why")).text == "grün €"


async def test_arbitrary_bytes_become_harmless_text(fakeq: FakeQ) -> None:
    wild = b"\xff\xfe\0\x1b]8;;http://x\x1b\\link\x1b]8;;\x07 spin\rdone \x9bok\x1bPq\x1b\\"
    fakeq.plays(step(stdout=[b"a\n", wild]))
    assert (await fakeq.command().ask("why")).text == "a\ndone \ufffdok"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.attack("ASI08")
async def test_fifty_megabytes_are_stopped_at_the_limit(
    fakeq: FakeQ, stream: str, gone: Callable[[int], bool]
) -> None:
    fakeq.plays(step("HELLO", flood=50 << 20, flood_to=stream))
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command().ask("why")
    assert failed.value.kind == "too_long"
    assert "1048576 bytes" in str(failed.value)
    assert gone(fakeq.calls()[0]["pid"])


async def test_the_deadline_ends_a_command_that_hangs_before_any_output(
    fakeq: FakeQ, gone: Callable[[int], bool]
) -> None:
    fakeq.plays(step("HELLO", hang="start"))
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command(timeout=3).ask("why")
    assert failed.value.kind == "timeout"
    assert "3 s, then" in str(failed.value)
    assert gone(fakeq.calls()[0]["pid"])


async def test_half_an_answer_at_the_deadline_is_no_answer(fakeq: FakeQ) -> None:
    fakeq.plays(step(stdout=[b"the cause is", b" unknown"], hang="half"))
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command(timeout=0.5).ask("why")
    assert failed.value.kind == "timeout"


async def test_a_command_that_ignores_sigterm_is_killed(
    fakeq: FakeQ, gone: Callable[[int], bool]
) -> None:
    fakeq.plays(
        step(hang="start", ignore_term=True, grandchildren=[OWN_GROUP | {"ignore_term": True}])
    )
    with pytest.raises(AdvisorError, match="did not answer in time"):
        await fakeq.command(timeout=3).ask("why")
    (call,) = fakeq.calls()
    assert gone(call["pid"])
    assert gone(call["grandchildren"][0])


@pytest.mark.parametrize(
    "how",
    [
        {},
        HOLDS_PIPE,
        OWN_GROUP,
        OWN_GROUP | HOLDS_PIPE,
        {"session": True},
        {"session": True} | HOLDS_PIPE,
        OWN_GROUP | HOLDS_PIPE | {"scrub": True},
        OWN_GROUP | HOLDS_PIPE | {"ignore_term": True},
    ],
    ids=lambda how: "+".join(how) or "same group",
)
async def test_a_grandchild_neither_delays_the_answer_nor_survives_it(
    fakeq: FakeQ, how: dict[str, bool], gone: Callable[[int], bool]
) -> None:
    fakeq.plays(step("HELLO", grandchildren=[how]))
    answer = await fakeq.command().ask("why")
    (call,) = fakeq.calls()
    assert answer.text == "HELLO"
    assert gone(call["grandchildren"][0])


async def test_a_cancelled_question_leaves_no_process_behind(
    fakeq: FakeQ, gone: Callable[[int], bool]
) -> None:
    fakeq.plays(step("HELLO", hang="start", grandchildren=[OWN_GROUP | HOLDS_PIPE]))
    asking = asyncio.create_task(fakeq.command().ask("why"))
    await until(lambda: bool(fakeq.calls()))
    asking.cancel()
    await asyncio.sleep(0)
    asking.cancel()  # an impatient caller must not cut the clearing up short
    with pytest.raises(asyncio.CancelledError):
        await asking
    (call,) = fakeq.calls()
    assert gone(call["pid"])
    assert gone(call["grandchildren"][0])
    assert not exists(call["cwd"])
    assert fakeq.kinds() == ["started", "cancelled"]


async def test_a_question_cancelled_while_the_process_starts_leaves_none(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO", hang="start"))
    asking = asyncio.create_task(fakeq.command().ask("why"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert running_in(fakeq.folder) == []


def running_in(folder: Path) -> list[str]:
    """The processes, zombies aside, that play its scenario (a zombie has no command line)."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(folder) in path.read_bytes():
                pids.append(path.parent.name)
    return pids


@pytest.mark.attack("ASI02")
async def test_a_fallback_to_an_agent_with_tools_is_ended_while_it_still_runs(
    fakeq: FakeQ, gone: Callable[[int], bool]
) -> None:
    # It hangs after half an answer: only the line on stderr can have ended it before 30 s.
    fakeq.plays(
        step(
            stdout=[b"> HELLO", b"never"],
            stderr="Error: no agent with name x found. Falling back to user specified default\n",
            hang="half",
        )
    )
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command().ask("why")
    assert failed.value.kind == "agent_missing"
    assert gone(fakeq.calls()[0]["pid"])


async def test_no_zombie_stays(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    await fakeq.command().ask("why")
    pid = fakeq.calls()[0]["pid"]
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - returns at once


async def test_slow_output_is_waited_for(fakeq: FakeQ) -> None:
    fakeq.plays(step(stdout=[b"> slow but sure"], char_delay=0.008))
    assert (await fakeq.command().ask("why")).text == "slow but sure"


def test_processes_without_its_mark_and_of_another_session_are_no_members_of_a_tree() -> None:
    nobody = "NOBODY=has this one"
    assert members(Tree(pid=2**22 + 1, mark=nobody)) == []
    # Not this process's own session: its leader may live outside a container, as number 0.
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as leader:
        assert members(Tree(pid=leader.pid, mark=nobody)) == [leader.pid]
        leader.kill()
