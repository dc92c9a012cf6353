"""The environment of an operator's command that a test runs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tests.helpers.filled_stores import (
    ROOT,
)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME") or k.startswith("COV")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | dict(settings)
