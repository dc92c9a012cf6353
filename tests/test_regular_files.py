"""A file that an operator names may be a pipe or endless: nobody waits for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.gateway.config import load_config
from bot.gateway.errors import ConfigError
from bot.policy import APPROVERS_FILE, read_policy
from bot.regular_files import LARGEST, read_regular
from bot.settings import load
from bot.sop_files import read_sops
from bot.yaml_text import YamlProblem, read_yaml

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.timeout(30)]

POLICY = "version: 1\n"


@pytest.fixture(params=["pipe", "endless device", "large file"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Anything except a config file, under a config file's name."""
    path = tmp_path / "odd.jsonl"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "endless device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(LARGEST + 1)  # no disk is filled: the file is a hole
    return path


def test_only_a_regular_file_of_some_size_is_read(odd: Path) -> None:
    with pytest.raises(OSError, match=r"not a regular file|over 4 MiB"):
        read_regular(odd)


def test_a_regular_file_is_read_as_any_editor_ends_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("é: 1\r\nb: 2\r".encode())
    assert read_regular(tmp_path / "a") == "é: 1\nb: 2\n"


def test_the_gateways_config_and_secret_are_read_so(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(odd)
    config = tmp_path / "gateway.yaml"
    config.write_text(f"state_dir: {tmp_path}\nsources: {{sopbot: {{secret_file: {odd}}}}}\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(config)


def test_the_policy_and_its_approvers_are_read_so(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_policy(odd)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    (tmp_path / APPROVERS_FILE).symlink_to(odd)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_policy(policy)


def test_sops_beside_it_are_read_and_it_is_named(odd: Path, tmp_path: Path) -> None:
    assert [problem.file for problem in read_sops(tmp_path).problems] == [odd.name]


def test_a_secrets_file_is_read_so(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HTTP_TOKEN_FILE"):
        load({"HTTP_TOKEN_FILE": str(odd)}, env_file=tmp_path / "none")


@pytest.mark.parametrize("value", ["2026-13-45", "2026-01-01T00:00:00+99:99", "!!int x"])
def test_a_value_that_yaml_cannot_make_is_a_problem_and_no_crash(value: str) -> None:
    with pytest.raises(YamlProblem, match="not YAML"):
        read_yaml(f"a: {value}\n")
