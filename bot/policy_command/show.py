"""The values that hold for a service, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.from_settings import read_catalogue
from bot.incidents.environments import UNKNOWN
from bot.incidents.keys import normalise
from bot.incidents.services import spelling
from bot.incidents.subject import Scope
from bot.policy import LoadedPolicy, load_policy
from bot.policy.layers import SEGMENTS
from bot.settings import StoreSettings


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """A value, and its origin: `default`, a profile, a file with its line, or an override."""

    key: str
    value: Any
    origin: str


def effective_values(
    settings: StoreSettings, file: Path | None, service: str, region: str, env: str
) -> list[EffectiveValue]:
    """Return every value in the order of the segments. SettingsError or InputError for a file."""
    loaded = load_policy(file or settings.policy_file)
    declared_service = read_catalogue(settings).find(service) if service else None
    name = declared_service.name if declared_service else service
    declared = loaded.policy.remediate.declared.name_of(env)
    scope = Scope(
        normalise(env if declared == UNKNOWN else declared),
        normalise(region),
        spelling(name) if name else "-",
        "-",
    )
    return list(_values(loaded, scope))


def _values(loaded: LoadedPolicy, scope: Scope) -> Iterator[EffectiveValue]:
    shown = loaded.policy.for_scope(scope).model_dump(mode="json")
    for name, value in shown.items():
        if name == "overrides":
            continue
        if name not in SEGMENTS:
            yield EffectiveValue(name, value, _of_file(loaded, (name,)))
            continue
        for key, item in value.items():
            yield EffectiveValue(f"{name}.{key}", item, _origin(loaded, scope, name, key))


def _origin(loaded: LoadedPolicy, scope: Scope, segment: str, key: str) -> str:
    override = loaded.policy.decided_by(scope, segment, key)
    if not override:
        return _of_file(loaded, (segment, key))
    place = next(i for i, item in enumerate(loaded.policy.overrides) if item.name == override)
    return f"override {override} ({_of_file(loaded, ('overrides', place, segment, key))})"


def _of_file(loaded: LoadedPolicy, location: tuple[str | int, ...]) -> str:
    layer = loaded.layers.layer_of(location)
    if layer is None or not layer.has(location):
        return "default"
    return layer.place_of(location)
