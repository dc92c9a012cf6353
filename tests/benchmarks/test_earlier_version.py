"""The rolling upgrade begins with the newest kept wheel before this version."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.earlier_version import earlier_version, take_out


def kept(folder: Path, *versions: str) -> None:
    for version in versions:
        (folder / f"sopbot-{version}-py3-none-any.whl").touch()


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("0.1.0", "0.1.0.dev2"),
        ("0.2.0", "0.1.0"),
        ("0.11.0", "0.10.1"),
        ("0.1.0.dev2", "0.1.0.dev1"),
    ],
)
def test_the_newest_version_before_this_one_is_taken(
    tmp_path: Path, current: str, expected: str
) -> None:
    kept(tmp_path, "0.1.0.dev1", "0.1.0.dev2", "0.1.0", "0.2.0", "0.10.1", "0.9.3")
    assert earlier_version(tmp_path, current).name == f"sopbot-{expected}-py3-none-any.whl"


def test_without_a_kept_wheel_the_upgrade_is_not_said_to_be_tried(tmp_path: Path) -> None:
    kept(tmp_path, "0.1.0")
    with pytest.raises(FileNotFoundError, match="keeps no wheel"):
        earlier_version(tmp_path, "0.1.0")


def test_the_kept_wheel_has_the_code_of_an_earlier_version(tmp_path: Path) -> None:
    take_out(earlier_version(), tmp_path)
    for package in ("bot", "handlers", "store"):
        assert (tmp_path / package / "__init__.py").is_file()
