"""The operator's declared sources of evidence, in the segment `llm` of the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.validation import form

MOST_SOURCES = 6
MOST_QUERIES = 8
PLACES = ("service", "env", "region", "name", "namespace", "host", "pod")
"""The parts of an alert's subject that a query may name in braces."""
_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
_TOKEN = re.compile(
    r'(?s)"(?:\\(?:.|\Z)|[^"\\])*(?:"|\Z)|\'(?:\\(?:.|\Z)|[^\'\\])*(?:\'|\Z)|`[^`]*(?:`|\Z)|#[^\n]*'
)
"""A string or a comment of PromQL and LogQL. A string without an end goes on to the query's end."""
_OPERATOR = re.compile(r'([=!|]~|[=!|]?=|:)\s*(?:""\s*or\s*)*$')
"""The operator that a string stands behind, as in `|~ "a" or "b"`."""
_REWRITING = re.compile(
    r"\|\s*(?:json|logfmt|regexp|pattern|line_format|label_format)\b[^|(){}\[\]]*$"
)
"""A stage of LogQL whose strings are expressions or templates, not values."""
_OF_A_PATTERN = str.maketrans({character: f"\\{character}" for character in r"\.+*?()|[]{}^$-"})

Name = Annotated[
    str, form(r"[a-z0-9][a-z0-9_-]{0,39}", "must be lower case: letters, digits, '_', '-'")
]


def _http_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError("must be http(s)://host[:port][/path], without a query")
    if parts.username or parts.password:
        raise ValueError("must have no user and no password")
    return value.rstrip("/")


SourceUrl = Annotated[str, Field(max_length=500), AfterValidator(_http_address)]
"""The address of a source, without a slash at its end."""


class Access(BaseModel):
    """The credentials of a source, each in a file: a bearer token, or a user with a password.

    `ca_file` holds the certificates of the authorities that vouch for an https address.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token_file: Path | None = None
    username: str = Field(default="", max_length=200)
    password_file: Path | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.token_file and (self.username or self.password_file):
            raise ValueError("give token_file, or username and password_file, not both")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file belong together")
        if ":" in self.username:
            raise ValueError("username must not contain ':'")
        return self


class EvidenceSource(BaseModel):
    """One source. `queries` are templates: `{{service}}` stands for the alert's service.

    The queries of a Kubernetes cluster and of the gateway are the bot's own. The bot calls no other
    address than `url`, and follows no redirect; the gateway's address is a setting.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    kind: Literal["prometheus", "loki", "clickhouse", "elasticsearch", "kubernetes", "gateway"]
    url: SourceUrl = ""
    access: Access = Access()
    queries: dict[Name, Annotated[str, Field(min_length=1, max_length=2_000)]] = Field(
        default={}, max_length=MOST_QUERIES, validate_default=True
    )

    @field_validator("queries")
    @classmethod
    def _names_known_places(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        unknown = sorted({p for q in value.values() for p in _PLACE.findall(q)} - set(PLACES))
        if unknown:
            raise ValueError(f"unknown place {unknown[0]!r}: use one of {', '.join(PLACES)}")
        kind = info.data.get("kind")
        if bool(value) == (kind in ("kubernetes", "gateway")):
            raise ValueError(f"must be empty for a {kind}" if value else "must not be empty")
        if kind in ("prometheus", "loki", "elasticsearch"):
            for name, query in value.items():
                _check_places(name, query, kind)
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.kind != "gateway" and not self.url:
            raise ValueError("url is missing")
        if self.kind == "gateway" and (self.url or self.access != Access()):
            raise ValueError("a gateway has no url and no access here: they are settings")
        return self


def filled(template: str, values: dict[str, str], kind: str) -> str | None:
    """Return the query; None when the alert lacks a part that it names.

    A value stands in double quotes in PromQL, LogQL and Lucene, so it is escaped as a string, and
    before that as a regular expression where it is one; in SQL it is a parameter of ClickHouse, and
    only the place's name is written.
    """
    if any(not values.get(place) for place in _PLACE.findall(template)):
        return None
    if kind == "clickhouse":
        return _PLACE.sub(lambda place: f"{{{place[1]}:String}}", template)

    def filled_piece(piece: str, operator: str) -> str:
        return _PLACE.sub(lambda place: _quoted(values[place[1]], operator), piece)

    return "".join(filled_piece(piece, operator) for piece, operator in _pieces(template))


def _pieces(query: str) -> Iterator[tuple[str, str]]:
    """Return the query in pieces; with a string in double quotes comes the operator before it."""
    code, end = "", 0  # the query up to here, with empty strings and without comments
    for token in _TOKEN.finditer(query):
        between = query[end : token.start()]
        yield between, ""
        code, end = code + between, token.end()
        is_value = token[0].startswith('"') and not _REWRITING.search(code)
        operator = _OPERATOR.search(code) if is_value else None
        yield token[0], operator[1] if operator else ""
        code += " " if token[0].startswith("#") else '""'
    yield query[end:], ""


def _check_places(name: str, query: str, kind: str) -> None:
    """ValueError if a value could leave its place in a query of PromQL, LogQL or Lucene."""
    for piece, operator in _pieces(query):
        place = _PLACE.search(piece)
        is_open = operator and not piece.endswith('"')
        is_of_kind = (operator == ":") == (kind == "elasticsearch")
        if place and (not operator or not is_of_kind or is_open or "\\{{" in piece):
            if kind == "elasticsearch":
                raise ValueError(
                    f'{name}: put {place[0]} into double quotes behind a field and ":"'
                )
            raise ValueError(
                f"{name}: put {place[0]} into double quotes behind =, !=, |=, =~, !~ or |~,"
                f' as in {place[1]}="{place[0]}", and no backslash before it'
            )


def _quoted(value: str, operator: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in value)
    if operator.endswith("~"):
        printable = printable.translate(_OF_A_PATTERN)
    return printable.replace("\\", "\\\\").replace('"', '\\"')
