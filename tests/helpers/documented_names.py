"""Looks up the names that a guide mentions: settings, endpoints, commands, metrics, policy keys.

A guide for people who come from another system mentions that system's names too: they stand in
table columns called `there`, which are not looked up. Every other code span is.
"""

from __future__ import annotations

import argparse
import re
import types
import typing
from collections.abc import Callable, Iterator
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
    """Return whether the code has what a span names; the first rule that fits decides."""
    for pattern, has in _RULES:
        if match := pattern.fullmatch(text):
            return has(match)
    dotted = text.partition(":")[0]
    if "." in dotted and (model := _MODELS.get(dotted.partition(".")[0])):
        return has_field(model, dotted.split("."))
    if any(fnmatch(text, _glob(subject)) for subject in ANOMALIES):
        return True
    return all(map(is_literal, _TOKEN.findall(text)))


def is_file(path: str) -> bool:
    """Return whether it is a file or folder here; an operator names the SOP files."""
    return (ROOT / path).exists() or path.startswith("config/sops/")


def is_made(target: str) -> bool:
    """Return whether the Makefile has the target."""
    return re.search(rf"^{target}:", _text("Makefile"), re.MULTILINE) is not None


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


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = tuple(
    (re.compile(pattern), has)
    for pattern, has in (
        (r"(GET|POST) (/[^ ]*)", lambda match: is_endpoint(match[1], match[2])),
        (r"curl .*http://[^/ ]+(/[^ ]*)", lambda match: is_endpoint("GET", match[1])),
        (r"(?:ps|kill|fuser|py-spy) .*|fuser", lambda _: True),  # of the system
        (r"python -m bot\.(?:gateway|simulator)\b.*", lambda _: True),
        (r"(?:python -m bot|sopbot)( .*)?", lambda match: is_command((match[1] or "").split())),
        (r"/incident (\w+).*", lambda match: match[1] in INCIDENT),
        (r"/sop (\w+).*", lambda match: match[1] in SOP),
        (r"make ([a-z]+)(?: .*)?", lambda match: is_made(match[1])),
        (r"(?:bot|config|deploy|docs|tests)/[\w./-]+", lambda match: is_file(match[0])),
        (r"label\.\w+", lambda _: True),
        (r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?", lambda match: is_setting(match[1])),
        (
            r"((?:sopbot|gateway|qchat|process)_[a-z0-9_]+)(?:\{.*)?",
            lambda match: match[1] in metrics() or is_literal(match[1]),
        ),
    )
)


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
