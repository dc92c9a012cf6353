"""Translates pydantic's errors into the only sentences that people and operators read.

pydantic's own sentences ("Extra inputs are not permitted") never leave this module. It imports
nothing of ours, so that every layer, and the gateway's process, can use it. A value is never
repeated, because it may be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, GetJsonSchemaHandler, ValidationError

_MOST_KNOWN = 12  # names that are listed if none is similar
_UNUSABLE = "cannot be used here"

_REASONS = {
    "missing": "required",
    "extra_forbidden": "not a known key",
    "invalid_key": "every key must be text",
    "none_required": "must be empty",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_unicode": "must be text in UTF-8",
    "string_not_ascii": "must have ASCII characters only",
    "string_pattern_mismatch": "does not have the form that is expected",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "set_item_not_hashable": "every item must be a plain value",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bytes_too_short": "must have at least {min_length} bytes",
    "bytes_too_long": "must have at most {max_length} bytes",
    "date_past": "must be in the past",
    "date_future": "must be in the future",
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "date_from_datetime_inexact": "must be a date without a time",
    "timezone_naive": "must have no time zone",
    "timezone_aware": "must have a time zone",
    "timezone_offset": "has another time zone than is expected",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is required",
    "url_too_long": "must have at most {max_length} characters",
    "url_scheme": "must be an address that begins with {expected_schemes}",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "json_invalid": "is not JSON",
    "json_type": "must be JSON text",
    "recursion_loop": "contains itself",
    "recursion_depth_exceeded": "is nested too deeply",
    "missing_argument": "required",
    "missing_keyword_only_argument": "required",
    "missing_positional_only_argument": "required",
    "unexpected_keyword_argument": "not a known key",
    # pydantic 1, which other gateways may still use.
    "value_error.missing": "required",
    "value_error.extra": "not a known key",
}
# By the beginning of the kind, if no entry above matches.
_FAMILIES = (
    (("model_", "dataclass_", "dict_", "mapping_", "ordered_dict_"), "must be a mapping"),
    (("list_", "tuple_", "set_", "frozen_set_", "deque_", "iterable_"), "must be a list"),
    (("string_", "bytes_"), "must be text"),
    (("date_", "datetime_"), "must be a date and time such as 2026-11-25T10:00:00Z"),
    (("time_delta_",), "must be a duration"),
    (("time_",), "must be a time of day such as 22:00"),
    (("url_",), "must be an address such as https://host/path"),
    (("uuid_",), "must be a UUID"),
    (("decimal_", "fraction_", "complex_"), "must be a number"),
    (("type_error.integer",), "must be a whole number"),
    (("type_error.str",), "must be text"),
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """The problem of one field. `kind` is pydantic's name of the error."""

    location: tuple[str | int, ...]
    reason: str
    kind: str

    @property
    def field(self) -> str:
        """Return the field as an operator writes it: `remediate.rules.0.approvers`."""
        return ".".join(map(str, self.location))

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.location else self.reason


def field_problems(
    error: ValidationError, model: type[BaseModel] | None = None
) -> list[FieldProblem]:
    """Return every problem of a validation, in order.

    With `model`, the validated one, an unknown name is reported with the most similar known one.
    """
    problems: list[FieldProblem] = []
    for error_detail in error.errors(include_url=False, include_input=False):
        kind = error_detail["type"]
        location = tuple(part for part in error_detail["loc"] if not _LABEL.fullmatch(str(part)))
        reason = reason_of(kind, error_detail.get("ctx", {})) or _UNUSABLE
        if kind == "extra_forbidden" and model is not None:
            reason += _meant(str(location[-1]), _fields_at(model, location[:-1]))
        if problems and location and problems[-1].location == location:
            # Each member of a union reports its own error about one value.
            before = problems.pop().reason
            reason = before if reason in before else f"{before}, or {reason}"
        problems.append(FieldProblem(location, reason, kind))
    return problems


# pydantic adds these to a location beside names and indexes: a key, a member of a union.
_LABEL = re.compile(r"\[key\]|str|int|float|bool|(?:constrained|function|json)-.*|[^\[]*\[.*\]")


def reason_of(kind: str, context: Mapping[str, Any]) -> str | None:
    """Return the sentence for an error of this kind, to follow the field's name.

    `context` is pydantic's `ctx`. A ValueError of our own validators is used as it is. None for a
    kind that is not pydantic's, and if the context lacks a value of the sentence.
    """
    if kind in ("value_error", "assertion_error"):
        return " ".join(str(context.get("error") or "").split()) or None
    template = _REASONS.get(kind)
    if template is None:
        return next((reason for starts, reason in _FAMILIES if kind.startswith(starts)), None)
    try:
        # pydantic quotes the name of a discriminator, and no other value of a template.
        reason = template.format_map({name: _unquoted(value) for name, value in context.items()})
    except KeyError:
        return None
    if kind in ("too_short", "string_too_short") and context["min_length"] == 1:
        return "is empty"
    return reason[:-1] if reason.endswith(" 1 items") else reason


def _unquoted(value: object) -> str:
    text = str(value)
    return text[1:-1] if re.fullmatch(r"'\w+'", text) else text


@dataclass(frozen=True, slots=True)
class _Form(AfterValidator):
    """A check by a pattern, which a JSON Schema shows too."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core_schema), "pattern": f"^(?:{self.pattern})$"}


def form(pattern: str, reason: str, *, schema_pattern: str = "") -> AfterValidator:
    """Require text that matches the whole pattern; the error shows `reason` instead of the pattern.

    For use in `Annotated[str, form(r"[a-z]+", "must be lower case letters")]`. `schema_pattern` is
    for a JSON Schema where the file may have other text, which is replaced before this check.
    """
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(reason)
        return value

    return _Form(check, schema_pattern or pattern)


def _meant(name: str, known: Iterable[str]) -> str:
    names = [each for each in known if each != name]  # another member of the union may know it
    if close := difflib.get_close_matches(name, names, 1, 0.6):
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(names)}" if 0 < len(names) <= _MOST_KNOWN else ""


def _fields_at(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """Return the valid fields at that place; keys, indexes and tags in the path are no fields.

    The tag of a union leaves only its members with this tag.
    """
    models = union = [model]
    for part in location:
        fields = [
            candidate.model_fields[part] for candidate in models if part in candidate.model_fields
        ]
        if fields:
            models = union = [inner for field in fields for inner in _models_in(field.annotation)]
        else:  # of the whole union: a key before the tag may be the name of another tag
            models = [member for member in union if _has_tag(member, part)] or models
    return list(dict.fromkeys(name for candidate in models for name in candidate.model_fields))


def _has_tag(model: type[BaseModel], tag: str | int) -> bool:
    annotations = (field.annotation for field in model.model_fields.values())
    return any(get_origin(each) is Literal and tag in get_args(each) for each in annotations)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


Reader = Callable[[tuple[str | int, ...]], int]
"""The line of a file at which a field stands."""


def in_file(
    file: str, problems: Iterable[FieldProblem], line_of: Reader | None = None
) -> list[str]:
    """Return one line per problem for an operator: `policy.yaml:12: remediate.approvers: must be a
    list`.
    """
    return [
        f"{file}:{line_of(problem.location)}: {problem}" if line_of else f"{file}: {problem}"
        for problem in problems
    ]
