"""The program behind an advisor: its argv, its environment, its limits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from bot.advice.agent_file import ensure_agent, with_agent_folder
from bot.advice.environment import child_environment, display_name, objections
from bot.errors import SettingsError


class ProgramOptions(TypedDict, total=False):
    """The options of a program.

    Output of more than `max_output` bytes is a failure and not a cut answer, because the conclusion
    stands at the end. `max_memory_mb` limits each process of the program. With a `home`, the agent
    without tools is put right there before each run.
    """

    environ: Mapping[str, str] | None
    name: str
    allow_unknown_flags: bool
    max_output: int
    max_memory_mb: int | None
    home: Path | None


class Program:
    """A program that may run as an advisor; `acp` is for an agent of that protocol.

    Raises SettingsError if the command would let a model run tools without a question.
    """

    def __init__(
        self, argv: Sequence[str], *, acp: bool = False, **options: Unpack[ProgramOptions]
    ) -> None:
        unknown = options.get("allow_unknown_flags", False)
        problems = objections(argv, allow_unknown_flags=unknown, acp=acp)
        if problems:
            raise SettingsError(problems)
        path = argv[0]
        if os.sep in path:  # a run uses another working directory
            path = str(Path(path).absolute())
        self.argv = (path, *argv[1:])
        self.name = options.get("name") or display_name(argv)
        environ = options.get("environ")
        env = child_environment(os.environ if environ is None else environ, path)
        self.env = with_agent_folder(self.argv, env)
        self.max_output = options.get("max_output", 1_048_576)
        megabytes = options.get("max_memory_mb")
        self.max_memory = megabytes and megabytes * 1024 * 1024
        self._home = options.get("home")

    def ensure_agent(self) -> None:
        """Put the agent file right. AdvisorError if it cannot be written."""
        ensure_agent(self.name, self.argv, self._home)
