"""Reads services.yaml: the catalogue of services. Unknown keys are errors."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from bot.declared_files import read_mapping, validate
from bot.errors import InputError
from bot.incidents.routes import ChannelId
from bot.incidents.services import Catalogue, Service, ServiceConflict, literal_letters
from bot.validation import form
from bot.yaml_text import YamlDocument

SHORTEST_GLOB = 3  # letters and digits besides the stars


def _nothing(value: Any) -> Any:
    return {} if value is None else value


Name = Annotated[str, form(r"\S(?:.{0,198}\S)?", "must be a name of 1 to 200 characters")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Declared(_Model):
    """One service of services.yaml. Every key may be left out."""

    aliases: tuple[Name, ...] = Field(default=(), max_length=200)
    environment: str = Field(default="", max_length=63)
    owner: str = Field(default="", max_length=100)
    channel: ChannelId | None = None
    depends_on: tuple[Name, ...] = Field(default=(), max_length=200)
    apart: tuple[Name, ...] = Field(default=(), max_length=200)
    namespaces: tuple[Name, ...] = Field(default=(), max_length=200)

    @field_validator("aliases")
    @classmethod
    def _are_narrow(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        for alias in aliases:
            if "*" in alias and literal_letters(alias) < SHORTEST_GLOB:
                raise ValueError(
                    f"{alias[:60]!r} would match almost every service; it needs at least"
                    f" {SHORTEST_GLOB} letters besides the stars"
                )
        return aliases


class _File(_Model):
    services: Annotated[
        dict[Name, Annotated[_Declared, BeforeValidator(_nothing)]], BeforeValidator(_nothing)
    ] = Field(default={}, max_length=10_000)


def parse_services(text: str, *, file: str) -> Catalogue:
    """Parse services.yaml's text.

    InputError names the file, the line and the key, one problem a line.
    """
    name = PurePath(file).name
    expected = "must be a mapping with the key services"
    document = read_mapping(text, name, field="services", expected=expected)
    declared = validate(_File, document, name, field="services").services
    try:
        return Catalogue.of(
            [
                Service(name=service, channel=item.channel or "", **_fields(item))
                for service, item in declared.items()
            ]
        )
    except ServiceConflict as conflict:
        line = _line(document, conflict)
        raise InputError(f"{name}:{line}: {conflict}", field="services") from conflict


def _fields(item: _Declared) -> dict[str, Any]:
    return item.model_dump(exclude={"channel"})


def _line(document: YamlDocument, conflict: ServiceConflict) -> int:
    return document.line_of(("services", conflict.service, "aliases"))
