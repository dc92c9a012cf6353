"""The stored payloads of senders: `tests/payloads/<sender>/<form>.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent.parent / "payloads"
CASES = sorted(path for path in PAYLOADS.glob("*/*.json") if ".expected" not in path.name)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
