"""Looks up the names that a guide mentions: settings, endpoints, commands, metrics, policy keys.

A guide for people who come from another system mentions that system's names too: they stand in
table columns called `there`, which are not looked up. Every other code span is.
"""

from __future__ import annotations

import argparse
import re
import types
import typing
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

import bot.__main__ as command_line
from bot.gateway.config import GatewayConfig
from bot.gateway.metrics import Metrics as GatewayMetrics
from bot.gateway.openapi import ENDPOINTS
from bot.intake import PARSERS
from bot.nats.subjects import ANOMALIES
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.setting_sources import HONOURED, WITHOUT_EFFECT
from bot.settings import NAMES, SECRETS
from handlers.listeners.commands import INCIDENT, SOP

ROOT = Path(__file__).parents[2]
THERE = "there"

_SPAN = re.compile(r"`([^`]+)`")
_SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_METRIC = re.compile(r"(?:sopbot|gateway|qchat|process)_[a-z0-9_]+")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]|[A-Za-z]")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


class Span(NamedTuple):
    """A code span and its line."""

    line: int
    text: str


def spans(page: str) -> Iterator[Span]:
    """Yield the code spans outside of fenced blocks and of columns called `there`."""
    text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), page)
    hidden: set[int] = set()
    before: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        cells = re.split(r"(?<!\\)\|", line)[1:-1] if line.startswith("|") else [line]
        if not line.startswith("|"):
            hidden = set()
        elif re.fullmatch(r"[|\-: ]+", line):
            hidden = {place for place, cell in enumerate(before) if cell.strip() == THERE}
        before = cells
        for place, cell in enumerate(cells):
            if place not in hidden:
                for span in _SPAN.findall(cell):
                    yield Span(number, span.replace("\\|", "|"))


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def unknown(page: str) -> list[Span]:
    """Return the spans that name something that the code does not have."""
    return [span for span in spans(page) if not is_known(span.text)]


def is_known(text: str) -> bool:
    """Return whether the code has what a span names."""
    if match := re.fullmatch(r"(GET|POST) (/[^ ]*)", text):
        return is_endpoint(match[1], match[2])
    if match := re.match(r"(?:python -m bot|sopbot)(?: |$)(.*)", text):
        return is_command(match[1].split())
    if match := re.match(r"python -m bot\.(gateway|simulator)\b", text):
        return True
    if match := re.match(r"/(incident|sop) (\w+)", text):
        return match[2] in (INCIDENT if match[1] == "incident" else SOP)
    if match := re.fullmatch(r"make ([a-z]+)(?: .*)?", text):
        return re.search(rf"^{match[1]}:", _text("Makefile"), re.MULTILINE) is not None
    if re.fullmatch(r"(?:bot|config|deploy|docs|tests)/[\w./-]+", text):
        return (ROOT / text).exists() or text.startswith("config/sops/")
    name, _, _ = text.partition("=")
    if _SETTING.fullmatch(name):
        return is_setting(name)
    if _METRIC.fullmatch(name := text.partition("{")[0]):
        return name in metrics() or is_literal(name)
    if re.fullmatch(r"label\.\w+", text) or any(fnmatch(text, _glob(name)) for name in ANOMALIES):
        return True
    dotted = text.partition(":")[0]
    if "." in dotted and (model := _MODELS.get(dotted.partition(".")[0])):
        return has_field(model, dotted.split("."))
    return all(map(is_literal, _TOKEN.findall(text)))


def _glob(subject: str) -> str:
    return subject.replace(">", "*")


def is_setting(name: str) -> bool:
    """Return whether a setting, or a value in capital letters such as a status, has this name."""
    foreign = tuple(WITHOUT_EFFECT)
    if name in NAMES or name in HONOURED or name in {f"{secret}_FILE" for secret in SECRETS}:
        return True
    return not name.startswith(foreign) and f'"{name}"' in _sources(
        "bot/gateway", "bot/remediation"
    )


def is_endpoint(method: str, path: str) -> bool:
    """Return whether the bot or the gateway serves it; a placeholder may be filled in."""
    path = path.partition("?")[0]
    served = re.findall(r"`(GET|POST) (/[^`]*)`", _text("docs/http.md"))  # as a real bot serves
    served += [(endpoint.method.upper(), endpoint.path) for endpoint in ENDPOINTS]
    sources = {parser.name for parser in PARSERS} | {"generic", "{source}"}
    if match := re.fullmatch(r"/alerts/([^/]+)", path):
        return method == "POST" and match[1] in sources
    return (method, path) in served


def is_command(arguments: list[str]) -> bool:
    """Return whether the command line has the command, its verb and its options."""
    parser = command_line._parser()
    for argument in arguments:
        if argument.startswith("--"):
            if not any(argument in action.option_strings for action in parser._actions):
                return False
        elif choices := _subcommands(parser):
            if argument not in choices:
                return False
            parser = choices[argument]
    return True


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


@cache
def metrics() -> frozenset[str]:
    """Return the names of every series of the bot and the gateway."""
    gateway = GatewayMetrics(())
    gateway.ended("restart", success=True, seconds=1)
    names: set[str] = set()
    for registry in (Metrics().registry, gateway._registry):
        for family in registry.collect():
            names.add(f"{family.name}_total" if family.type == "counter" else family.name)
            names |= {sample.name for sample in family.samples}
    return frozenset(names)


def has_field(model: Any, path: list[str]) -> bool:
    """Return whether a model has the field of a dotted path: `llm.limits.waiting`."""
    for name in path:
        fields = _fields(model)
        if name not in fields:
            return False
        model = fields[name].annotation
    return True


def _fields(annotation: Any) -> dict[str, Any]:
    """Return the fields of a model, of the items of a list, or of a union's members."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return dict(annotation.model_fields)
    fields: dict[str, Any] = {}
    if typing.get_origin(annotation) in (
        tuple,
        list,
        typing.Union,
        types.UnionType,
        typing.Annotated,
    ):
        for part in typing.get_args(annotation):
            fields |= _fields(part)
    return fields


_MODELS: dict[str, Any] = dict.fromkeys(Policy.model_fields, Policy)
_MODELS |= dict.fromkeys(("listen", "limits"), GatewayConfig)


def is_literal(token: str) -> bool:
    """Return whether the sources or the files of an operator have the token as a whole word."""
    everything = _sources("bot", "handlers", "store", "config", "deploy")
    return re.search(rf"(?<!\w){re.escape(token)}(?!\w)", everything) is not None


@cache
def _sources(*folders: str) -> str:
    kinds = (".py", ".yaml", ".yml", ".jsonl", ".service", ".json")
    files = (file for folder in folders for file in sorted((ROOT / folder).rglob("*")))
    return "\n".join(
        file.read_text(encoding="utf-8")
        for file in files
        if file.suffix in kinds and "simulator" not in file.parts
    )


@cache
def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
