from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.longest_first import LONG, spread


@dataclass
class Item:
    path: Path


def files(*names: str) -> list[Any]:
    return [Item(Path(name)) for name in names]


def test_each_worker_begins_with_a_long_test_and_none_is_left_out() -> None:
    short = [f"test_{number}.py" for number in range(20)]
    shares = spread(files(*short, *sorted(LONG)), workers=5)
    assert all(shares[part].path.name in LONG for part in range(0, 25, 5))
    assert sorted(share.path.name for share in shares) == sorted([*short, *LONG])


def test_alone_the_long_ones_come_first_and_the_others_keep_their_order() -> None:
    entry, *_ = sorted(LONG)
    shares = spread(files("test_a.py", entry, "test_b.py"), workers=1)
    assert [item.path.name for item in shares] == [entry, "test_a.py", "test_b.py"]
