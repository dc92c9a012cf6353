"""Prints the evidence about one alert, as the advisor gets it. No settings, no network."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.enrichment.kubernetes.about import About, about_alert
from bot.enrichment.kubernetes.collect import Findings, collect
from bot.enrichment.kubernetes.fitting import INDENT, fit
from bot.enrichment.kubernetes.snapshot import Snapshot
from bot.enrichment.kubernetes.source import is_name
from bot.enrichment.model import Evidence, KnownFact
from bot.errors import InputError
from bot.incidents.environments import Environments
from bot.incidents.services import NO_SERVICES
from bot.incidents.subject_reader import subject_of
from bot.intake import parse_body
from bot.intake.fields import optional_text
from bot.policy import Policy
from bot.serving.redaction import redacted

LARGEST_INPUT = 1_048_576  # bytes
SMALLEST_LIMIT = 200
_HEADING_CHARS = len("E99 ") + 1
_MISSING_SHARE = 10  # of the limit, one part of so many may name what has no answer


def run(options: argparse.Namespace) -> int:
    """Print the evidence: 0, or 1 if the alert or the directory cannot be read."""
    if options.limit < SMALLEST_LIMIT:
        print(f"--limit: at least {SMALLEST_LIMIT}", file=sys.stderr)
        return 1
    if not options.offline.is_dir():
        print(f"{options.offline}: not a directory", file=sys.stderr)
        return 1
    snapshot = Snapshot(options.offline)
    try:
        about = in_namespace(about_input(sys.stdin.buffer.read(LARGEST_INPUT + 1)), snapshot)
    except InputError as error:
        print(f"standard input: {error}", file=sys.stderr)
        return 1
    findings = asyncio.run(collect(snapshot, about))
    print(shown(findings, options.limit, datetime.now(UTC)), end="")
    return 0


def about_input(data: bytes) -> About:
    """Return what one alert of Alertmanager, or `{"namespace","title"}`, is about."""
    if len(data) > LARGEST_INPUT:
        raise InputError(f"over {LARGEST_INPUT} bytes", field="input")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", field="input") from error
    if isinstance(body, Mapping) and isinstance(body.get("alerts"), list) and body["alerts"]:
        body = body["alerts"][0]
    if not isinstance(body, Mapping):
        raise InputError("must be an alert, a JSON object", field="input")
    if isinstance(body.get("labels"), Mapping):
        for alert in parse_body("alertmanager", [dict(body)]).alerts:
            return about_alert(alert, subject_of(alert, Environments(), NO_SERVICES))
    namespace, service, title = (
        optional_text(body.get(name), name) for name in ("namespace", "service", "title")
    )
    if not (namespace or title):
        raise InputError("must have labels, or a namespace and a title", field="input")
    return About(namespace, service, text=title)


def in_namespace(about: About, snapshot: Snapshot) -> About:
    """Return it with the only namespace of the snapshot, if the alert names none."""
    if not about.namespace and len(known := snapshot.namespaces()) == 1:
        about = replace(about, namespace=known[0])
    if not is_name(about.namespace):
        raise InputError("the alert names no namespace", field="namespace")
    return about


def shown(findings: Findings, limit: int, now: datetime) -> str:
    """Return the evidence as text of at most `limit` characters.

    The heading of a part stands at the margin and its lines are indented, so that no line of a
    cluster can pass for a heading.
    """
    missing = ", ".join(f"{name} ({word})" for name, word in sorted(findings.missing.items()))
    last = f"No answer: {missing}"[: limit // _MISSING_SHARE] + "\n" if missing else ""
    fitted = fit(findings.parts, limit - len(last), heading=_HEADING_CHARS)
    facts = [KnownFact("kubernetes", name, text, now) for name, text in fitted]
    rules = Policy().privacy.redact
    lines: list[str] = []
    for fact in Evidence.of(facts, [], limit).facts:
        lines.append(f"{fact.id} {fact.name}\n")
        lines += [f"{' ' * INDENT}{line}\n" for line in redacted(fact.text, rules).split("\n")]
    return "".join(lines)[: limit - len(last)] + last
