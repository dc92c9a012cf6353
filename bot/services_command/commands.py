"""Runs the verbs of `python -m bot services`: they read, print, and change nothing."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from bot.errors import InputError, SettingsError, SopbotError
from bot.from_settings import read_catalogue
from bot.hardening import hide_memory
from bot.incidents.cascades import Calls
from bot.incidents.environments import Environments
from bot.incidents.services import Catalogue
from bot.policy import read_policy
from bot.regular_files import read_regular
from bot.services_command.draft import Seen, look_at, yaml_of
from bot.services_command.origins import from_backstage, from_kubernetes
from bot.services_command.proposals import Proposal, proposals
from bot.services_command.suggest import Suggestion, suggestions
from bot.settings import StoreSettings, load_store
from store import Store, open_store
from store.admin import condition
from store.admin.locations import name_of

EXIT_FAILED, EXIT_CONFIG = 1, 78
MOST_ALERTS = 100_000  # the newest ones are looked at
MOST_INCIDENTS = 50_000
MOST_CORRECTIONS = 10_000
SHOWN = 3  # corrections that a comment names
LONGEST_FILE = 64 * 1024 * 1024  # bytes
_ORIGINS: dict[str, Callable[[str], Seen]] = {
    "backstage": from_backstage,
    "kubernetes": from_kubernetes,
}


def run(options: argparse.Namespace) -> int:
    """Run one verb. 0 for success; 1 if it failed; 78 for bad settings."""
    hide_memory()  # STORE_URL may hold a password
    try:
        if options.verb == "draft" and options.origin:
            lines = _draft_of(*options.origin)
        else:
            lines = asyncio.run(_from_store(load_store(), options.verb))
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SopbotError as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    print("\n".join(lines))
    return 0


def _draft_of(kind: str, file: str) -> list[str]:
    read = _ORIGINS.get(kind)
    if read is None:
        raise InputError(f"--from {kind}: unknown; there are {', '.join(_ORIGINS)}")
    try:
        text = sys.stdin.read(LONGEST_FILE) if file == "-" else read_regular(Path(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read") from error
    try:
        seen = read(text)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    return list(yaml_of(seen, [f"Drafted from {kind}: {len(seen)} services.", REVIEW]))


REVIEW = "Review it, then save it as config/services.yaml; docs/services.md explains each key."


async def _from_store(settings: StoreSettings, verb: str) -> list[str]:
    url = settings.store_url.get_secret_value()
    policy, services = read_policy(settings.policy_file), read_catalogue(settings)
    condition.read_condition(url)  # raises if the store is unusable, and never creates one
    store = await open_store(url, owner=f"services-{verb}")
    try:
        if verb == "suggest":
            history = await store.openings(MOST_INCIDENTS)
            openings = [(opening.scope, opening.at) for opening in history]
            declared = Calls.of(services.calls(policy.correlate.depends_on), services.apart())
            suggested = suggestions(openings, declared)
            corrections = await store.corrections(MOST_CORRECTIONS)
            proposed, unused = proposals(corrections, services, declared)
            return list(_suggested(suggested, proposed, services, len(openings), unused))
        seen, read, named = await _seen(store, policy.remediate.declared, services)
    finally:
        await store.close()
    drafted = f"Drafted from the newest {read:,} alerts of {name_of(url)}."
    undeclared = f"{named:,} of them name a service that is not declared yet."
    return list(yaml_of(seen, [drafted, undeclared, REVIEW]))


async def _seen(
    store: Store, environments: Environments, services: Catalogue
) -> tuple[Seen, int, int]:
    """Return the services, how many alerts were read, and how many name a service."""
    seen: Seen = {}
    read = named = 0
    before: int | None = None
    while read < MOST_ALERTS:
        alerts, before = await store.firing_alerts(before)
        read += len(alerts)
        named += sum(look_at(seen, alert, environments, services) for alert in alerts)
        if before is None:
            break
    return seen, read, named


def _suggested(
    suggested: Iterable[Suggestion],
    proposed: Iterable[Proposal],
    services: Catalogue,
    incidents: int,
    unused: int,
) -> Iterable[str]:
    """Print one entry a service, with the reason for each value above it."""
    yield f"# From the newest {incidents:,} incidents, and from what people split and merged."
    yield "# Declare only what you know to be true; docs/services.md explains each key."
    values: dict[str, dict[str, list[str]]] = {}
    for proposal in proposed:
        lines = values.setdefault(proposal.service, {}).setdefault(proposal.key, [])
        lines += [f"# {_corrected(proposal)}", f"- {_name(proposal.value, services)}"]
    for item in suggested:
        lines = values.setdefault(item.caller, {}).setdefault("depends_on", [])
        line = f"- {_name(item.called, services)}"
        if line in lines:
            continue  # people merged the two as well
        figures = f"{item.of_caller} and {item.of_called} incidents in all"
        reason = f"together {item.together} times within 5 min, {item.first} of them after it"
        lines += [f"# {reason}; {figures}", line]
    yield "services:" if values else "services: {}"
    for service, keys in values.items():
        yield f"  {_name(service, services)}:"
        for key, lines in keys.items():
            yield f"    {key}:"
            yield from (f"      {line}" for line in lines)
    if unused:
        yield f"# {unused} corrections propose nothing: one service, no service, or both ways."


def _corrected(proposal: Proposal) -> str:
    """Say which corrections speak for a value, and which against it."""
    parts = []
    for word, pairs in (("merged", proposal.merged), ("split", proposal.split)):
        if pairs:
            shown = ", ".join(f"INC-{first} and INC-{second}" for first, second in pairs[:SHOWN])
            more = f", and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
            parts.append(f"people {word} {shown}{more}")
    return "; ".join(parts)


def _name(service: str, services: Catalogue) -> str:
    """Return the name as YAML: an alert may name its service as it likes."""
    declared = services.find(service)
    name = declared.name if declared else service.replace("_", "-")
    text: str = yaml.safe_dump(name, allow_unicode=True, width=1000)
    return text.splitlines()[0]
