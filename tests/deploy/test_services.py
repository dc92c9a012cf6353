"""The units of systemd and supervisor's example start the right programs, hardened."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import EXIT_CONFIG
from tests.deploy.conftest import ROOT

UNITS = {"sopbot": "run", "sopbot-gateway": "gateway"}
TENTHS = 30  # of an exposure level: 0 is none, 100 is a unit without any protection


@pytest.mark.services("systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_valid_and_exposes_little(name: str, tmp_path: Path) -> None:
    text = (ROOT / f"deploy/systemd/{name}.service").read_text()
    # verify wants a program that is there.
    unit = tmp_path / f"{name}.service"
    unit.write_text(text.replace("/opt/sopbot/bin/sopbot", sys.executable))
    verified = analyze("verify", "--man=no", unit)
    assert (verified.returncode, verified.stderr) == (0, "")
    exposed = analyze("security", "--offline=yes", f"--threshold={TENTHS}", unit)
    assert exposed.returncode == 0, exposed.stdout[-300:]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = str(shutil.which("systemd-analyze"))
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", UNITS)
def test_both_supervisors_start_the_same_program_and_stay_down_on_a_wrong_config(name: str) -> None:
    unit = (ROOT / f"deploy/systemd/{name}.service").read_text()
    lines = dict(line.split("=", 1) for line in unit.splitlines() if line[:1].isalpha())
    program = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None)
    program.read(ROOT / "deploy/supervisor/sopbot.conf")
    example = program[f"program:{name}"]
    assert lines["ExecStart"] == example["command"]
    assert shlex.split(lines["ExecStart"])[1] == UNITS[name]
    assert lines["WorkingDirectory"] == example["directory"]
    # The environment wins over .env: a store named here is not the one of commands by hand.
    assert "STORE_URL=" not in unit + example["environment"]
    assert lines["User"] == example["user"] == name
    assert lines["TimeoutStopSec"] == example["stopwaitsecs"]
    assert lines["RestartPreventExitStatus"] == str(EXIT_CONFIG)
    assert example["exitcodes"].split(",") == ["0", str(EXIT_CONFIG)]
