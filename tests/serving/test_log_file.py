"""The log file begins anew when it is full, keeps some former ones, and holds whole lines."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

from bot.serving.log_file import RotatingFile
from bot.serving.logs import set_up


def test_a_full_file_is_renamed_and_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    file = RotatingFile(path, 40, keep=2)
    for number in range(6):
        file.write(f"line {number} of twenty.\n")
    file.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bot.log", "bot.log.1", "bot.log.2"]
    assert path.read_text() == "line 4 of twenty.\nline 5 of twenty.\n"
    assert (tmp_path / "bot.log.2").read_text() == "line 0 of twenty.\nline 1 of twenty.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file = RotatingFile(path, 40, keep=0)
    file.write("a line after the restart\n")
    file.close()
    assert path.read_text() == "a line after the restart\n", "it counts what was there"


def test_the_file_has_the_lines_as_json_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    handlers = list(logging.getLogger().handlers)
    file = RotatingFile(path, 1_000_000, keep=1)
    try:
        set_up("INFO", "pretty", secrets=["hunter2-hunter2"], file=file)
        logging.getLogger("bot").warning("the token is hunter2-hunter2 ünï")
    finally:
        logging.getLogger().handlers[:] = handlers
        file.close()
    (line,) = path.read_text("utf-8").splitlines()
    assert json.loads(line)["event"] == "the token is [secret] ünï"
