"""The progress bar of `python -m bot store`, and what Ctrl-C leaves."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bot.store_command.progress import Bar
from tests.helpers.commands import environment
from tests.helpers.filled_stores import (
    ENGINES,
    MORE,
    StoreMaker,
    content,
    in_the_middle,
)


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


# Interrupted


def heeds_ctrl_c() -> None:
    """In the child: what a shell starts in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_the_target_as_it_was(store_maker: StoreMaker, tmp_path: Path) -> None:
    source, target = store_maker.filled("sqlite"), store_maker.empty("postgresql")
    with (
        psycopg.connect(target) as other,
        psycopg.connect(target, autocommit=True) as watching,
        subprocess.Popen(
            [sys.executable, "-m", "bot", "store", "copy", "--to", target],
            cwd=tmp_path,
            env=environment({"STORE_URL": source}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heeds_ctrl_c,
        ) as process,
    ):
        other.execute("SELECT 1 FROM alerts")  # the command waits for whoever reads this
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM"
        waits += " pg_database WHERE datname = current_database())"
        while not watching.execute(waits).fetchall():
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.endswith("Stopped: nothing was changed.\n")
    assert out == ""
    assert not any(content(target).values())


@pytest.mark.parametrize("verb", ["backup", "restore", "copy"])
def test_an_interruption_in_the_middle_leaves_no_half_of_a_file(
    verb: str, store_maker: StoreMaker, tmp_path: Path
) -> None:
    source, target = store_maker.filled("sqlite", MORE), tmp_path / "target.db"
    values = {
        "backup": (source, str(target)),
        "restore": (source.removeprefix("sqlite:///"), f"sqlite:///{target}"),
        "copy": (source, f"sqlite:///{target}"),
    }[verb]
    with in_the_middle(verb, *values) as process:
        process.send_signal(signal.SIGINT)
        process.wait()
    left = {file.name for file in tmp_path.iterdir()} - {"target.db.lock"}
    assert left == set()


# On a terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_says_how_far_how_fast_and_how_long() -> None:
    now = [0.0]
    bar = Bar(Terminal(), clock=lambda: now[0])
    bar.begin("copying", 1_000, "rows")
    assert bar.line() == "copying ░░░░░░░░░░░░░░░░░░░░░░░░   0%"
    now[0] = 2.0
    bar.advance(250)
    assert bar.line() == "copying ██████░░░░░░░░░░░░░░░░░░  25% · 125 rows/s · 6 s left"
    bar.advance(2_000)
    assert "100%" in bar.line(), "more than was expected is no more than all"
    bar.begin("checking", 0, "")
    assert bar.line() == "checking …"
    now[0] += 1000
    bar.begin("copying", 100, "pages")
    now[0] += 200
    bar.advance(1)
    assert bar.line().endswith("330 min 0 s left")


def all_of(terminal: int) -> str:
    """Return what is written to it until nobody has it open."""
    drawn = b""
    with contextlib.suppress(OSError):  # EIO: that is its end
        while more := os.read(terminal, 4096):
            drawn += more
    os.close(terminal)
    return drawn.decode()


def test_on_a_terminal_a_bar_is_drawn_and_wiped_and_stdout_has_results_only(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    url = store_maker.filled("sqlite", MORE)
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "store", "backup", "b.db"],
        cwd=tmp_path,
        env=environment({"STORE_URL": url}),
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    ) as process:
        os.close(slave)
        drawn = all_of(master)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "copying " in drawn
    assert "░" in drawn or "█" in drawn
    assert drawn.endswith("\r\x1b[K"), "the line is free again"
    assert out.startswith("✓ ")
    assert "\x1b" not in out
