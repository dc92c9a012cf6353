"""The problems for which settings are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load


def problems_of(environ: Mapping[str, str], file: Path) -> list[str]:
    """Return the lines with which the settings are refused; no line may show a secret."""
    with pytest.raises(SettingsError) as caught:
        load(environ, file)
    assert "secret" not in str(caught.value), "a secret must never stand in an error"
    return list(caught.value.problems)
