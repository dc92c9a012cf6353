"""One question to the command: failures by name, tries, slots, pauses, numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.advice.kinds.command import CommandAdvisor
from bot.errors import AdvisorBusy, AdvisorError, SettingsError
from tests.advice.fake import FakeQ, step
from tests.helpers.clocks import FixedSeconds
from tests.helpers.waiting import until

THROTTLED = (
    "\x1b[1m\x1b[38;5;9m ⚠️  Amazon Q rate limit reached:\n    Request quota exceeded. "
    "Please wait a moment and try again.\n\n\x1b[0m"
)
LOGIN = "Authentication Error\nYour login session has expired. Please log in again using:\n q login"
QUOTA = "Monthly request limit reached - The limits reset on 12/01."
OVERLOADED = "Amazon Q is having trouble responding right now:\n  0: Failed to send the request"
LOCKED = "error: Failed to open database: database is locked"
APPROVAL = (
    "error: Tool approval required but --no-interactive was specified. "
    "Use --trust-all-tools to automatically approve tools."
)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (step(stderr=THROTTLED), "throttled"),
        (step(stderr=LOGIN), "login"),
        (step(stderr=QUOTA), "quota"),
        (step(stderr=OVERLOADED), "transient"),
        (step(stderr=LOCKED, exit=1), "locked"),
        (step("Let me look.", stderr=APPROVAL, exit=1), "approval_required"),
        (step(stderr=f"{OVERLOADED}\n{APPROVAL}", exit=1), "transient"),
        (step(stderr="error: You are not logged in, please log in with q login", exit=1), "login"),
        (step("HELLO", stderr="the agent file x is malformed, using default"), "agent_missing"),
        (step("HELLO", exit=4), "agent_missing"),
        (step(stderr="error: unexpected argument", exit=2), "usage"),
        (step("HELLO", exit=1), "exit"),
        (step(""), "empty"),
        (step(stdout=[b"\x1b[38;5;10m> \x1b[0m\n\n"]), "empty"),
        (step(stdout=[b'{"type":"result","is_error":true,"result":"rate limit reached"}']),
         "throttled"),
        (step(stdout=[b'{"type":"result","is_error":true,"result":"it broke"}']), "exit"),
    ],
)  # fmt: skip
async def test_a_failed_run_is_classified_by_its_output_and_not_by_its_exit_code(
    fakeq: FakeQ, ending: dict[str, Any], kind: str
) -> None:
    fakeq.plays(ending)
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command(max_retries=0).ask("why")
    assert failed.value.kind == kind
    assert failed.value.message.startswith("Amazon Q ")
    assert failed.value.remedy
    assert fakeq.kinds() == ["started", kind]


async def test_a_program_that_does_not_exist_is_named_with_the_remedy() -> None:
    command = CommandAdvisor(["/no/such/q", "chat"])
    with pytest.raises(AdvisorError, match=r"could not be started.*Q_BIN") as failed:
        await command.ask("why", timeout=9)
    assert failed.value.kind == "not_found"
    assert failed.value.permanent


async def test_a_file_that_is_no_program_is_not_found_either(tmp_path: Path) -> None:
    (tmp_path / "q").write_text("not a program")
    with pytest.raises(AdvisorError) as failed:
        await CommandAdvisor([str(tmp_path / "q")]).ask("why", timeout=9)
    assert failed.value.kind == "not_found"


async def test_text_on_stdout_never_makes_a_failure(fakeq: FakeQ) -> None:
    fakeq.plays(step("The client was not logged in: rate limit reached. Falling back is fine."))
    assert (await fakeq.command().ask("why")).text.startswith("The client was not logged in")


@pytest.mark.parametrize(
    "printed",
    [
        b'{"type":"result","is_error":false,"result":" the disk is full "}',
        b'{"response":"the disk is full","stats":{}}',
    ],
    ids=["Claude Code", "Gemini"],
)
async def test_an_answer_is_taken_out_of_the_json_around_it(fakeq: FakeQ, printed: bytes) -> None:
    fakeq.plays(step(stdout=[printed]))
    assert (await fakeq.command().ask("why")).text == "the disk is full"


async def test_an_error_in_the_json_of_gemini_is_a_failure(fakeq: FakeQ) -> None:
    fakeq.plays(step(stdout=[b'{"response":"","stats":{},"error":{"message":"it broke"}}']))
    with pytest.raises(AdvisorError, match="it broke"):
        await fakeq.command().ask("why")


@pytest.mark.parametrize("printed", ["{ not json }", '{"a": 1}'])
async def test_other_json_is_an_answer_as_it_stands(fakeq: FakeQ, printed: str) -> None:
    fakeq.plays(step(printed))
    assert (await fakeq.command().ask("why")).text == printed


async def test_an_error_text_holds_no_secret_and_no_escape_code(fakeq: FakeQ) -> None:
    token = "xoxb-1234567890-abcdefghijklmnop"
    fakeq.plays(step(stderr=f"\x1b[31merror: sent Bearer abc.def {token} AKIAABCDEFGHIJKLMNOP"))
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command(max_retries=0).ask("why")
    text = str(failed.value)
    assert "error: sent" in text
    assert not any(part in text for part in (token, "abc.def", "AKIA", "\x1b"))


@pytest.mark.parametrize("start", ["!rm -rf /", "/quit", "@secret", "-a", "  \n!id", "\x00!id"])
async def test_a_prompt_can_never_start_as_a_command_of_the_cli(fakeq: FakeQ, start: str) -> None:
    fakeq.plays(step("HELLO"))
    await fakeq.command().ask(f"{start} and @/etc/passwd")
    stdin = fakeq.calls()[0]["stdin"]
    assert stdin.startswith("You advise the people who handle an incident.")
    assert "@" not in stdin
    assert "\\u0040/etc/passwd" in stdin


async def test_a_throttled_command_is_retried_with_growing_pauses(fakeq: FakeQ) -> None:
    fakeq.plays(*[step(stderr=THROTTLED)] * 3, step("HELLO"))
    answer = await fakeq.command(timeout=600).ask("why")
    assert answer.text == "HELLO"
    assert len(fakeq.calls()) == 4
    assert fakeq.pauses == [1, 2, 4]
    assert fakeq.kinds() == ["started", "retried", "retried", "retried", "answered"]


async def test_pauses_carry_jitter_and_never_pass_a_minute(fakeq: FakeQ) -> None:
    fakeq.plays(step(stderr=THROTTLED))
    command = fakeq.command(timeout=6000, retry_delay=20, max_retries=3, random=lambda: 1.0)
    with pytest.raises(AdvisorError):
        await command.ask("why")
    assert fakeq.pauses == [25, 50, 60]
    assert len(fakeq.calls()) == 4


async def test_a_pause_that_would_pass_the_deadline_is_not_made(fakeq: FakeQ) -> None:
    fakeq.plays(step(stderr=THROTTLED))
    with pytest.raises(AdvisorError):
        await fakeq.command(timeout=30, retry_delay=20).ask("why")
    assert fakeq.pauses == [20]  # by this clock the second pause, 40 s, would end too late


async def test_a_locked_database_is_retried_once(fakeq: FakeQ) -> None:
    fakeq.plays(step(stderr=LOCKED, exit=1))
    with pytest.raises(AdvisorError):
        await fakeq.command().ask("why")
    assert len(fakeq.calls()) == 2


@pytest.mark.parametrize("ending", [step(stderr=QUOTA), step(stderr=LOGIN), step("")])
async def test_a_permanent_failure_is_not_retried(fakeq: FakeQ, ending: dict[str, Any]) -> None:
    fakeq.plays(ending)
    with pytest.raises(AdvisorError):
        await fakeq.command().ask("why")
    assert len(fakeq.calls()) == 1
    assert fakeq.pauses == []


@pytest.mark.parametrize(("ending", "seconds"), [(LOGIN, 300), (QUOTA, 3600)])
async def test_a_missing_login_pauses_the_command_and_time_ends_the_pause(
    fakeq: FakeQ, ending: str, seconds: int
) -> None:
    clock = FixedSeconds()
    fakeq.plays(step(stderr=ending), step("HELLO"))
    command = fakeq.command(clock=clock)
    for _ in range(3):
        with pytest.raises(AdvisorError) as failed:
            await command.ask("why")
    assert len(fakeq.calls()) == 1
    assert failed.value.retry_after == seconds
    assert command.health().state == "paused"
    assert "Amazon Q" in command.health().reason

    clock.forward(seconds)
    assert command.health().state == "failing"
    assert (await command.ask("why")).text == "HELLO"
    assert command.health().state == "ok"


async def test_health_is_unknown_until_the_first_question(fakeq: FakeQ) -> None:
    fakeq.plays(step(stderr="error: it broke", exit=1))
    command = fakeq.command()
    assert command.health().state == "unknown"
    with pytest.raises(AdvisorError):
        await command.ask("why")
    health = command.health()
    assert health.state == "failing"
    assert "it broke" in health.reason


async def test_no_more_run_at_once_than_allowed_and_the_rest_is_refused(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO", hang="start"))
    command = fakeq.command(max_concurrent=2, max_waiting=lambda: 1)
    asking = [asyncio.create_task(command.ask(str(number))) for number in range(3)]
    await until(lambda: len(fakeq.calls()) == 2)
    assert (command.health().active, command.health().waiting) == (2, 1)
    with pytest.raises(AdvisorBusy) as busy:
        await command.ask("one too many")
    assert busy.value.kind == "busy"
    assert busy.value.retry_after is not None
    assert busy.value.retry_after >= 1
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert len(fakeq.calls()) <= 3
    assert (command.health().active, command.health().waiting) == (0, 0)
    assert "busy" in fakeq.kinds()


async def test_a_freed_slot_goes_to_a_waiting_question(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    command = fakeq.command(max_concurrent=1)
    answers = await asyncio.gather(*(command.ask(str(number)) for number in range(4)))
    assert [answer.text for answer in answers] == ["HELLO"] * 4
    assert fakeq.kinds() == ["started", "answered"] * 4  # never two at once


async def test_waiting_for_a_slot_has_an_end(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO", hang="start"))
    command = fakeq.command(max_concurrent=1, timeout=0.3)
    results = await asyncio.gather(command.ask("a"), command.ask("b"), return_exceptions=True)
    assert {type(result) for result in results} <= {AdvisorError, AdvisorBusy}
    assert command.health().active == 0


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(SettingsError, match="the command is empty"):
        CommandAdvisor([])


def test_the_representation_shows_no_argument() -> None:
    assert "s3cret" not in repr(CommandAdvisor(["llm", "--key", "s3cret"]))


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "line",
    ["All tools are now trusted (!). Kiro will execute tools without asking", "Trusting all tools"],
)
async def test_a_run_that_trusts_its_tools_has_failed_whatever_it_answered(
    fakeq: FakeQ, line: str
) -> None:
    fakeq.plays(step("HELLO", stderr=line))
    command = fakeq.command()
    with pytest.raises(AdvisorError, match="trusted its tools or ran one") as failed:
        await command.ask("why")
    assert failed.value.kind == "tool_ran"
    assert command.health().state == "paused"


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "block",
    [
        "🛠️  Using tool: execute_bash (trusted)",
        " ● Completed in 0.11s",
        "I will run the following command: id (using tool: shell)",
    ],
)
async def test_an_answer_beside_a_tool_is_not_used_and_pauses_nothing(
    fakeq: FakeQ, block: str
) -> None:
    fakeq.plays(step(f"{block}\nHELLO"), step("The tool is called bash. Using tool: no."))
    command = fakeq.command()
    with pytest.raises(AdvisorError, match="printed that it used a tool") as failed:
        await command.ask("why")
    assert failed.value.kind == "tool_shown"
    assert (await command.ask("why")).text == "The tool is called bash. Using tool: no."


async def test_a_tool_that_was_refused_keeps_its_own_name(fakeq: FakeQ) -> None:
    fakeq.plays(step("🛠️  Using tool: execute_bash", stderr=APPROVAL, exit=1))
    with pytest.raises(AdvisorError) as failed:
        await fakeq.command().ask("why")
    assert failed.value.kind == "approval_required"


def program(folder: Path, script: str) -> str:
    file = folder / "helper"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


async def test_a_prompt_may_stand_in_an_argument(tmp_path: Path) -> None:
    argv = [program(tmp_path, 'printf "%s|" "$@"; cat'), "--ask={prompt}", "{output_file}"]
    advisor = CommandAdvisor(argv[:2])
    reply = await advisor.ask("why {output_file} {prompt} -a", timeout=60)
    assert reply.text.startswith("--ask=You advise the people")
    assert reply.text.endswith("why {output_file} {prompt} -a|"), "and nothing came on stdin"
    with pytest.raises(AdvisorError, match="give it on stdin") as failed:
        await advisor.ask("x" * 120_000, timeout=60)
    assert failed.value.kind == "usage"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("true", "empty"),
        ('head -c 3000 /dev/zero > "$1"', "too_long"),
        ('ln -s /etc/passwd "$1"', "empty"),
    ],
)
async def test_an_answer_may_come_in_a_file_and_only_a_whole_one_is_used(
    tmp_path: Path, script: str, kind: str
) -> None:
    good = CommandAdvisor([program(tmp_path, 'cat > "$1"; echo progress'), "{output_file}"])
    assert (await good.ask("HELLO", timeout=60)).text.endswith("HELLO")
    bad = CommandAdvisor([program(tmp_path, script), "{output_file}"], max_output=2048)
    with pytest.raises(AdvisorError) as failed:
        await bad.ask("HELLO", timeout=60)
    assert failed.value.kind == kind
