from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.advice.fake import FakeQ


@pytest.fixture
def fakeq(tmp_path: Path) -> FakeQ:
    return FakeQ(tmp_path)


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """True if the pid no longer runs or is a zombie."""

    def check(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
        except FileNotFoundError:
            return True

    return check
