from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.advice.agent_file import AGENT_NAME, with_agent_folder, without_agent, write_agent
from bot.advice.kinds.command import CommandAdvisor
from bot.errors import AdvisorError

ARGV = ["q", "chat", "--no-interactive", "--agent", "sopbot-advisor"]
Q_FILE = Path(".aws/amazonq/cli-agents/sopbot-advisor.json")
KIRO_FILE = Path(".kiro/agents/sopbot-advisor.json")
OUR_FILE = Path(".local/state/sopbot/agents/sopbot-advisor.json")


@pytest.mark.parametrize("argv", [ARGV, ["kiro-cli", "chat", "--agent=sopbot-advisor"]])
def test_the_agent_without_tools_is_written_for_q_and_kiro(argv: list[str], tmp_path: Path) -> None:
    done = write_agent(argv, tmp_path)
    assert done.written == (tmp_path / Q_FILE, tmp_path / KIRO_FILE, tmp_path / OUR_FILE)
    for path in done.written:
        agent = json.loads(path.read_text())
        assert agent["name"] == AGENT_NAME
        assert (agent["tools"], agent["allowedTools"], agent["mcpServers"]) == ([], [], {})
        assert agent["useLegacyMcpJson"] is False
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("argv", [["q", "chat"], ["q", "chat", "--agent", "mine"], ["llm"]])
def test_nothing_is_touched_for_another_command(argv: list[str], tmp_path: Path) -> None:
    assert write_agent(argv, tmp_path).written == ()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_right_stays_as_it_is(tmp_path: Path) -> None:
    write_agent(ARGV, tmp_path)
    inode = (tmp_path / Q_FILE).stat().st_ino
    done = write_agent(ARGV, tmp_path)
    assert done.written == ()
    assert (tmp_path / Q_FILE).stat().st_ino == inode


@pytest.mark.attack("ASI04")
def test_a_file_that_was_given_tools_is_put_right(tmp_path: Path) -> None:
    write_agent(ARGV, tmp_path)
    (tmp_path / Q_FILE).write_text('{"name": "sopbot-advisor", "tools": ["*"]}')
    (tmp_path / KIRO_FILE).chmod(0o644)
    assert len(write_agent(ARGV, tmp_path).written) == 2
    assert json.loads((tmp_path / Q_FILE).read_text())["tools"] == []


def test_a_home_that_cannot_be_written_is_a_problem_in_words(tmp_path: Path) -> None:
    (tmp_path / ".aws").write_text("a file where a folder should be")
    done = write_agent(ARGV, tmp_path)
    assert "HOME" in done.problem


def test_kiro_reads_the_folder_of_our_own_only_as_our_agent(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    ours = with_agent_folder(["/opt/kiro-cli", "acp", "--agent", AGENT_NAME], env)
    assert ours["KIRO_AGENT_CONFIG_DIR"] == str((tmp_path / OUR_FILE).parent)
    for argv in (["kiro-cli", "acp", "--agent", "mine"], ARGV, ["kiro-cli", "chat"]):
        assert with_agent_folder(argv, env) == env
    assert with_agent_folder(["kiro-cli", "acp", "--agent", AGENT_NAME], {}) == {}


@pytest.mark.attack("ASI04")
async def test_an_agent_that_was_given_tools_meanwhile_is_put_right_before_the_next_run(
    tmp_path: Path,
) -> None:
    program = tmp_path / "q"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    home = tmp_path / "home"
    advisor = CommandAdvisor([str(program), *ARGV[1:]], home=home)
    write_agent(ARGV, home)
    (home / Q_FILE).write_text('{"name": "sopbot-advisor", "tools": ["*"]}')
    await advisor.ask("why", timeout=60)
    assert json.loads((home / Q_FILE).read_text())["tools"] == []
    (home / Q_FILE).unlink()
    (home / Q_FILE).mkdir()
    with pytest.raises(
        AdvisorError, match=r"Amazon Q is not asked\. .*Make HOME writable"
    ) as failed:
        await advisor.ask("why", timeout=60)
    assert failed.value.kind == "agent_missing"


@pytest.mark.parametrize(
    ("argv", "left"),
    [
        (["kiro-cli", "acp", "--agent", AGENT_NAME, "--v3"], ("kiro-cli", "acp", "--v3")),
        (["kiro-cli", f"--agent={AGENT_NAME}", "acp"], ("kiro-cli", "acp")),
        (["kiro-cli", "acp", "--agent", "mine"], ("kiro-cli", "acp", "--agent", "mine")),
        ([AGENT_NAME], (AGENT_NAME,)),
    ],
)
def test_only_our_agent_is_taken_out_of_a_command(argv: list[str], left: tuple[str, ...]) -> None:
    assert without_agent(argv) == left
