"""Reads an operator's YAML into a model. InputError names file, line and key, a problem a line."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.errors import InputError
from bot.validation import field_problems, in_file
from bot.yaml_text import YamlDocument, YamlProblem, read_yaml

Model = TypeVar("Model", bound=BaseModel)


def read_mapping(
    text: str, name: str, *, field: str, expected: str, may_be_empty: bool = True
) -> YamlDocument:
    """Read a file that is a mapping, by default also an empty one; `field` is the error's.

    `expected` says behind the file's name what it must be.
    """
    try:
        document = read_yaml(text)
    except YamlProblem as problem:
        raise InputError(problem.at(name), field=field) from problem
    if isinstance(document.value, dict) or (may_be_empty and document.value is None):
        return document
    raise InputError(f"{name}: {expected}", field=field)


def validate(model: type[Model], document: YamlDocument, name: str, *, field: str) -> Model:
    """Check the mapping of a file against its model."""
    try:
        return model.model_validate(document.value or {})
    except ValidationError as error:
        problems = in_file(name, field_problems(error, model), document.line_of)
        raise InputError("\n".join(problems), field=field) from error
