"""The operator's declared sources of evidence, in the segment `llm` of the policy."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.validation import form

MOST_SOURCES = 6
MOST_QUERIES = 8
PLACES = ("service", "env", "region", "name", "namespace", "host", "pod")
"""What a query may name in braces: a part of the alert's subject."""
_PLACE = re.compile(r"\{\{([^{}]*)\}\}")

Name = Annotated[
    str, form(r"[a-z0-9][a-z0-9_-]{0,39}", "must be lower case: letters, digits, '_', '-'")
]


class EvidenceSource(BaseModel):
    """One source. `queries` are templates: `{{service}}` stands for the alert's service.

    The bot calls no other address than `url`, and follows no redirect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    kind: Literal["prometheus", "loki", "clickhouse"]
    url: str = Field(max_length=500)
    queries: dict[Name, Annotated[str, Field(min_length=1, max_length=2_000)]] = Field(
        min_length=1, max_length=MOST_QUERIES
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("must be http(s)://host[:port][/path], without a query")
        if parts.username or parts.password:
            raise ValueError("must have no user and no password")
        return value.rstrip("/")

    @field_validator("queries")
    @classmethod
    def _names_known_places(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted({p for q in value.values() for p in _PLACE.findall(q)} - set(PLACES))
        if unknown:
            raise ValueError(f"unknown place {unknown[0]!r}: use one of {', '.join(PLACES)}")
        return value


def filled(template: str, values: dict[str, str], kind: str) -> str | None:
    """Return the query; None when the alert lacks a part that it names.

    A value stands inside quotes in PromQL and LogQL, so backslashes, quotes and line ends are
    escaped; in SQL it is a parameter of ClickHouse, and only the place's name is written.
    """
    if any(not values.get(place) for place in _PLACE.findall(template)):
        return None
    if kind == "clickhouse":
        return _PLACE.sub(lambda place: f"{{{place[1]}:String}}", template)
    return _PLACE.sub(lambda place: _quoted(values[place[1]]), template)


def _quoted(value: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
