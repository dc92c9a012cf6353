"""Reads an operator's YAML strictly, and keeps the line of every key.

It imports nothing of ours, so that the gateway's process can use it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

MOST_MERGED = 1_000  # keys that `<<` of one mapping takes over
_MERGE = "tag:yaml.org,2002:merge"


class YamlProblem(Exception):
    """The text is not usable YAML; `line` counts from 1, 0 if unknown."""

    def __init__(self, reason: str, line: int) -> None:
        self.reason = reason
        self.line = line
        super().__init__(reason)

    def at(self, file: str) -> str:
        """Return the problem as an operator reads it: `policy.yaml:3: not YAML`."""
        return f"{file}:{self.line}: {self.reason}" if self.line else f"{file}: {self.reason}"


class _Refused(yaml.MarkedYAMLError):
    """A key that occurs twice in one mapping, or `<<` of very many keys."""


class _Loader(yaml.SafeLoader):
    """Refuses a repeated key: YAML keeps the last of two, so an old line could undo a
    stricter one.
    """

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        # Checked here, before construction: that expands `<<`, whose keys may be overridden.
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise _Refused(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
            if name:
                seen.add(name)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # The library copies every merged pair again at each level: ten lines fill the memory.
        parts: dict[int, yaml.Node] = {}
        count = 0
        for key, value in node.value:
            if key.tag == _MERGE:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(part, yaml.MappingNode):
                        if id(part) not in parts:
                            parts[id(part)] = part
                            self.flatten_mapping(part)
                        count += len(part.value)
        if count > MOST_MERGED:
            problem = f"<< takes over more than {MOST_MERGED} keys"
            raise _Refused(problem=problem, problem_mark=node.start_mark)
        super().flatten_mapping(node)
        if count:  # the last of two counts, as where they are constructed
            node.value = list({_identity(key): (key, value) for key, value in node.value}.values())


def _identity(key: yaml.Node) -> object:
    return (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The content of the text (`value`, None for an empty text), and its positions."""

    value: Any
    _root: yaml.Node | None

    def line_of(self, location: tuple[str | int, ...]) -> int:
        """Return the line, from 1, of that field; of a missing field, the line of its parent.

        A part of the location that is no key or index of the text (a union's tag) is skipped.
        """
        node, line = self._root, 1
        for part in location:
            child = _child(node, part)
            if child is not None:
                node, line = child
        return line


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None


def read_yaml(text: str) -> YamlDocument:
    """Parse one document.

    Raises YamlProblem for invalid YAML, a repeated key, or too many keys by `<<`.
    """
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            value = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except _Refused as error:
        raise YamlProblem(str(error.problem), _line(error)) from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        # A ValueError is a date outside any calendar, or `!!int x`.
        raise YamlProblem("not YAML", _line(error)) from error
    return YamlDocument(value, root)


def _line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 0
