"""Puts the layers of a policy together: its profile, the included files, and the file itself.

Each key of a segment is taken whole from the last layer that has it, and keeps where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.policy.model import Policy
from bot.yaml_text import YamlDocument

Location = tuple[str | int, ...]

SEGMENTS = tuple(
    name
    for name, field_ in Policy.model_fields.items()
    if hasattr(field_.annotation, "model_fields")
)
"""The keys of the file whose own keys are merged one by one."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its name, as an error shows it, its values, and their lines if it is a file."""

    name: str
    values: Mapping[Any, Any]
    document: YamlDocument | None = None

    def has(self, location: Location) -> bool:
        """Return whether the layer has that key of the file, or of a segment."""
        segment, *keys = location[:2]
        value = self.values.get(segment)
        if not keys or not isinstance(value, Mapping):
            return segment in self.values
        return keys[0] in value

    def place_of(self, location: Location) -> str:
        """Return where a key of this layer stands: `policy.yaml:12`, or the name of a profile."""
        return f"{self.name}:{self.document.line_of(location)}" if self.document else self.name


@dataclass(frozen=True, slots=True)
class Layers:
    """The merged values, and the layer of each key. `main` is the file itself."""

    main: Layer
    values: dict[Any, Any] = field(default_factory=dict)
    _of: dict[Location, Layer] = field(default_factory=dict)

    def layer_of(self, location: Location) -> Layer | None:
        """Return the layer that a key of the file, or of a segment, comes from."""
        return self._of.get(location[:2]) or self._of.get(location[:1])

    def hidden(self, layer: Layer) -> dict[Any, Any]:
        """Return the values of the layer that a later one replaces."""
        hidden: dict[Any, Any] = {}
        for segment, value in layer.values.items():
            if segment not in SEGMENTS or not isinstance(value, dict):
                if self._of.get((segment,)) is not layer:
                    hidden[segment] = value
                continue
            keys = {k: v for k, v in value.items() if self._of.get((segment, k)) is not layer}
            if keys:
                hidden[segment] = keys
        return hidden


def merge(layers: Sequence[Layer]) -> Layers:
    """Merge the layers, the last of which is the file itself."""
    merged = Layers(layers[-1])
    for layer in layers:
        for segment, value in layer.values.items():
            if segment == "includes" and layer is not merged.main:
                continue
            merged._of[(segment,)] = layer  # noqa: SLF001 - it is being built here
            if segment not in SEGMENTS or not isinstance(value, dict):
                merged.values[segment] = value
                continue
            base = merged.values.get(segment)
            merged.values[segment] = {**(base if isinstance(base, dict) else {}), **value}
            for key in value:
                merged._of[(segment, key)] = layer  # noqa: SLF001 - it is being built here
    return merged
