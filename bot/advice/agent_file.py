"""Writes the agent without tools that the default command names, to the places of Q and Kiro.

Kiro gets a folder of our own too: a start of its third version rewrites the agents of its usual
folder in place, whoever starts it.

Without this file `--agent sopbot-advisor` falls back, silently and with exit code 0, to the default
agent with all tools.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath

from bot.advice.failures import FailureKind
from bot.errors import AdvisorError

AGENT_NAME = "sopbot-advisor"
OUR_FOLDER = Path(".local/state/sopbot/agents")
# All, for either name of the program: an automatic update turns `q` into Kiro on a running host,
# and an older Kiro knows no folder of ours.
_PLACES = (Path(".aws/amazonq/cli-agents"), Path(".kiro/agents"), OUR_FOLDER)
_AGENT = {
    "name": AGENT_NAME,
    "description": "Answers in text only; has no tools. Written by sopbot at each start.",
    "prompt": "You advise people who handle an incident. You have no tools. Answer with text only.",
    "mcpServers": {},
    "tools": [],
    "toolAliases": {},
    "allowedTools": [],
    "resources": [],
    "hooks": {},
    "toolsSettings": {},
    "useLegacyMcpJson": False,
}


@dataclass(frozen=True, slots=True)
class AgentFiles:
    """Result of `write_agent`. With a `problem` the command must not run."""

    written: tuple[Path, ...] = ()
    problem: str = ""


def names_our_agent(argv: Sequence[str]) -> bool:
    """Return True if the command runs as our agent: `--agent sopbot-advisor` or `--agent=…`."""
    return f"--agent={AGENT_NAME}" in argv or ("--agent", AGENT_NAME) in pairwise(argv)


def without_agent(argv: Sequence[str]) -> tuple[str, ...]:
    """Return `argv` without the words that name our agent, whose file may not be there yet."""
    kept: list[str] = []
    for word in argv:
        if word == AGENT_NAME and kept and kept[-1] == "--agent":
            kept.pop()
        elif word != f"--agent={AGENT_NAME}":
            kept.append(word)
    return tuple(kept)


def with_agent_folder(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that makes Kiro read our folder, if `argv` runs it as our agent."""
    home = env.get("HOME")
    if not home or not names_our_agent(argv) or not PurePath(argv[0]).name.startswith("kiro"):
        return dict(env)
    return {**env, "KIRO_AGENT_CONFIG_DIR": os.fspath(Path(home) / OUR_FOLDER)}


def ensure_agent(name: str, argv: Sequence[str], home: Path | None) -> None:
    """Put the agent file right before a run of the advisor `name`; without a home do nothing.

    Raises AdvisorError if it cannot be written.
    """
    problem = write_agent(argv, home).problem if home else ""
    if problem:
        raise AdvisorError(FailureKind.AGENT_MISSING, f"{name} is not asked.", remedy=problem)


def write_agent(argv: Sequence[str], home: Path) -> AgentFiles:
    """Write the agent file under `home` if `argv` names our agent; otherwise change nothing.

    Each file is replaced in one step, mode 0600; a correct file stays. An edited file is replaced,
    because an added tool would be a tool for alert text. It never raises if the file system
    refuses; `problem` names the reason.
    """
    if not names_our_agent(argv):
        return AgentFiles()
    content = (json.dumps(_AGENT, indent=2) + "\n").encode()
    written: list[Path] = []
    for place in _PLACES:
        path = home / place / f"{AGENT_NAME}.json"
        try:
            if not _is_right(path, content):
                _replace(path, content)
                written.append(path)
        except OSError as error:
            problem = (
                f"The agent file {path} cannot be written ({error.strerror}). Make HOME writable "
                "for the bot, or set ADVISOR_COMMAND to a command without --agent."
            )
            return AgentFiles(tuple(written), problem)
    return AgentFiles(tuple(written))


def _is_right(path: Path, content: bytes) -> bool:
    try:
        mode = path.stat().st_mode & 0o777
        return mode == 0o600 and path.read_bytes() == content
    except FileNotFoundError:
        return False


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp creates it with mode 0600.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
