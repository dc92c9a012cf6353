"""Follows `includes`: the files of a policy, each after the files that it includes.

Bounded in number and depth, and a cycle is named by its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.declared_files import read_mapping
from bot.errors import InputError
from bot.policy.layers import Layer
from bot.policy.model import MOST_INCLUDES, Policy
from bot.regular_files import read_regular
from bot.validation import FieldProblem, field_problems, in_file
from bot.yaml_text import YamlDocument

DEEPEST = 4  # files that include one another, the main file not counted

_INCLUDES: TypeAdapter[tuple[str, ...]] = TypeAdapter(
    Policy.model_fields["includes"].rebuild_annotation()
)


def parse_mapping(text: str, name: str, of: str) -> YamlDocument:
    """Parse a file that is a mapping. InputError names the file and the line."""
    return read_mapping(text, name, field="policy", expected=f"must be a mapping of {of}")


class Includes:
    """Reads the files below `folder` that a policy includes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layers: dict[str, Layer] = {}
        self.texts: list[str] = []

    def layers_of(self, text: str, name: str) -> list[Layer]:
        """Return the included files in the order in which they count, then the file itself.

        A file that two others include is read once, where it is first included.
        """
        return [*self._follow(text, (name,))]

    def _follow(self, text: str, path: tuple[str, ...]) -> Iterator[Layer]:
        name = path[-1]
        document = parse_mapping(text, name, "segments")
        layer = Layer(name, document.value or {}, document)
        for place, file in enumerate(_included(layer)):
            target = (PurePosixPath(name).parent / file).as_posix()
            if target in path:
                cycle = " → ".join((*path[path.index(target) :], target))
                raise _problem(layer, place, f"is a cycle: {cycle}")
            if target in self._layers:
                continue
            if len(path) > DEEPEST:
                raise _problem(layer, place, f"is deeper than {DEEPEST} files")
            if len(self._layers) >= MOST_INCLUDES:
                raise _problem(layer, place, f"is one of more than {MOST_INCLUDES} files")
            yield from self._read(layer, place, target, path)
        self._layers[name] = layer
        self.texts.append(text)
        yield layer

    def _read(
        self, layer: Layer, place: int, target: str, path: tuple[str, ...]
    ) -> Iterator[Layer]:
        try:
            text = read_regular(self._folder / target)
        except (OSError, UnicodeDecodeError) as error:
            raise _problem(layer, place, f"{target} cannot be read") from error
        yield from self._follow(text, (*path, target))


def included_files(file: Path) -> list[str]:
    """Return the files that a policy includes, relative to its folder, in the order in which they
    count. InputError if one of them cannot be used; OSError, UnicodeDecodeError for `file` itself.
    """
    layers = Includes(file.parent).layers_of(read_regular(file), file.name)
    return [layer.name for layer in layers[:-1]]


def _included(layer: Layer) -> tuple[str, ...]:
    try:
        return _INCLUDES.validate_python(layer.values.get("includes", ()))
    except ValidationError as error:
        problems = [
            FieldProblem(("includes", *problem.location), problem.reason, problem.kind)
            for problem in field_problems(error)
        ]
        raise _refused(layer, problems) from error


def _problem(layer: Layer, place: int, reason: str) -> InputError:
    return _refused(layer, [FieldProblem(("includes", place), reason, "include")])


def _refused(layer: Layer, problems: list[FieldProblem]) -> InputError:
    line_of: Callable[[tuple[Any, ...]], int] | None = (
        layer.document.line_of if layer.document else None
    )
    return InputError("\n".join(in_file(layer.name, problems, line_of)), field="policy")
