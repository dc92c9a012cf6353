"""A full log file is renamed, a few old files are kept, and no line is split over two."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest

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


def test_a_file_that_cannot_be_renamed_keeps_every_line(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    (tmp_path / "bot.log.1").mkdir()  # stands for a folder in which the bot may rename nothing
    file = RotatingFile(path, 40, keep=1)
    refused = []
    for number in range(7):
        try:
            file.write(f"line {number} of twenty.\n")
        except OSError:
            refused.append(number)
    assert path.read_text() == "".join(f"line {number} of twenty.\n" for number in range(7))
    assert refused == [2, 4, 6], "it says so once for each size of a file, not for each line"
    (tmp_path / "bot.log.1").rmdir()
    file.write("line 7 of twenty.\n")
    file.write("line 8 of twenty.\n")
    file.close()
    assert path.read_text() == "line 8 of twenty.\n", "it begins anew once it may"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_is_no_log_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bot.log"
    if kind == "pipe":
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    else:
        reader = os.open("/dev/null", os.O_RDONLY)
        path.symlink_to("/dev/null")
    with pytest.raises(OSError, match="not a regular file"):
        RotatingFile(path, 40, keep=1)
    os.close(reader)
