"""Checks an operator's files: policy, SOPs, runbooks."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from bot.check.report import Report
from bot.errors import InputError, SettingsError
from bot.from_settings import has_sources_dir, read_catalogue, read_mappings
from bot.incidents.environments import UNKNOWN
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.sop_keys import could_overlap
from bot.incidents.sops import TEMPLATE_NAMES, ProposedAction, Sop, SopLibrary, specificity
from bot.policy import Policy, read_policy
from bot.remediation.catalogue import CATALOGUE, Action, propose
from bot.settings import Settings
from bot.sop_files import read_sops

_BRACES = re.compile(r"\{\{([^{}\n]*)\}\}")
_LOOKS_LIKE_SOPS = (".json", ".yaml", ".yml", ".ndjson", ".txt")


def check_policy(report: Report, settings: Settings) -> Policy | None:
    """Check the policy and its approvers; return None if it cannot be read."""
    try:
        policy = read_policy(settings.policy_file)
    except (SettingsError, InputError) as error:
        for problem in error.message.splitlines():
            report.problem("policy", problem, "see docs/policy.md")
        return None
    _check_shadow(report, settings)
    people = policy.remediate.everybody_who_may_approve
    if not people:
        report.problem(
            "policy",
            f"{settings.policy_file}: remediate.approvers is empty, so nobody may approve",
            "name Slack user ids (U…) or user groups (S…)",
        )
    else:
        report.good("policy", f"{len(people)} may approve")
    return policy


def _check_shadow(report: Report, settings: Settings) -> None:
    if settings.policy_shadow_file is None:
        return
    try:
        read_policy(settings.policy_shadow_file)
    except (SettingsError, InputError) as error:
        for problem in error.message.splitlines():
            report.problem("policy", f"POLICY_SHADOW_FILE: {problem}", "see docs/policy.md")
    else:
        report.good("policy", f"{settings.policy_shadow_file} is compared with it")


def check_services(report: Report, settings: Settings, policy: Policy | None) -> Catalogue:
    """Check services.yaml; return an empty catalogue if it cannot be read."""
    try:
        services = read_catalogue(settings)
    except (SettingsError, InputError) as error:
        for problem in error.message.splitlines():
            report.problem("services", problem, "see docs/services.md")
        return NO_SERVICES
    report.good("services", f"{len(services.services)} declared")
    declared = (policy or Policy()).remediate.declared
    for service in services.services.values():
        if service.environment and declared.name_of(service.environment) == UNKNOWN:
            report.note(
                "services",
                f"{settings.services_file}: {service.name}: the environment"
                f" {service.environment!r} is not declared under remediate.environments",
            )
        for name in service.depends_on:
            if services.find(name) is None:
                report.note(
                    "services",
                    f"{settings.services_file}: {service.name} calls {name!r}, which is no declared"
                    " service: correct it, or declare it too",
                )
    return services


def check_sops(report: Report, settings: Settings, policy: Policy | None) -> SopLibrary:
    """Check each line of the SOPs in its final form."""
    folder = settings.sop_dir
    if not folder.is_dir():
        report.problem(
            "sops", f"SOP_DIR: there is no folder {folder}", "create it, or correct SOP_DIR"
        )
        return SopLibrary()
    library = read_sops(folder, *(() if policy is None else (policy.remediate.declared,)))
    before = report.problems
    for problem in library.problems:
        report.problem("sops", str(problem), "see docs/sops.md")
    for file in _unread(folder):
        report.problem(
            "sops",
            f"{file.relative_to(folder)} is not read: an SOP file is called *.jsonl",
            "write one SOP a line, and rename it",
        )
    for sop in library.sops:
        for cause, remedy in _problems_of(sop, policy):
            report.problem("sops", f"{sop.sop_id}: {cause}", remedy)
    if report.problems == before:
        report.good("sops", f"{len(library.sops)} loaded from {folder}")
    for sop, other in _ties(library):
        report.note(
            "sops",
            f"{sop.sop_id} and {other.sop_id} fit the same alerts equally well, so {sop.sop_id} is"
            " used: give one of them a higher priority or one more key",
        )
    return library


def check_mappings(report: Report, settings: Settings) -> None:
    """Check each mapping file of SOURCES_DIR."""
    folder = settings.sources_dir
    if not has_sources_dir(settings):
        report.problem(
            "mappings",
            f"SOURCES_DIR: there is no folder {folder}",
            "create it, or correct SOURCES_DIR",
        )
        return
    mappings = read_mappings(folder)
    for problem in mappings.problems:
        report.problem("mappings", problem, "see docs/sources.md")
    if mappings.mappings and not mappings.problems:
        report.good("mappings", f"{len(mappings.mappings)} loaded from {folder}")


def check_pollers(report: Report, policy: Policy | None) -> None:
    """Check that the bot can read each file, and run each program, of the segment `detect`."""
    for poller in policy.detect.pollers if policy else ():
        path = Path(poller.file)
        where = f"detect.pollers: {poller.name}: {path}"
        if not path.exists():
            report.note("pollers", f"{where} is not there yet; it is read when it appears")
        elif not path.is_file():
            report.problem("pollers", f"{where} is not a regular file", "name the log file itself")
        elif not os.access(path, os.R_OK):
            report.problem("pollers", f"{where} cannot be read", "let the bot's user read it")
    for command in policy.detect.commands if policy else ():
        if not os.access(command.command[0], os.X_OK):
            where = f"detect.commands: {command.name}: {command.command[0]}"
            report.problem("pollers", f"{where} cannot be run", "name a program of this machine")


def check_runbooks(report: Report, settings: Settings) -> None:
    """Check the folder of RUNBOOK_DIR, if it is set."""
    folder = settings.runbook_dir
    if folder is not None and not folder.is_dir():
        report.problem(
            "runbooks",
            f"RUNBOOK_DIR: there is no folder {folder}",
            "create it, or remove RUNBOOK_DIR",
        )


def _unread(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and file.suffix.lower() in _LOOKS_LIKE_SOPS
    )


def _problems_of(sop: Sop, policy: Policy | None) -> Iterator[tuple[str, str]]:
    """Yield (cause, remedy) of each problem that using the SOP would raise."""
    for name in dict.fromkeys(_placeholders(sop)):
        if name not in TEMPLATE_NAMES:
            close = difflib.get_close_matches(name, TEMPLATE_NAMES, 1, 0.5)
            meant = f"did you mean {{{{{close[0]}}}}}?" if close else ""
            known = ", ".join(TEMPLATE_NAMES)
            yield f"there is no placeholder {{{{{name}}}}}", meant or f"there are {known}"
    yield from problems_of_actions(sop, policy, CATALOGUE)


def problems_of_actions(
    sop: Sop, policy: Policy | None, actions: Mapping[str, Action]
) -> Iterator[tuple[str, str]]:
    """Yield (cause, remedy) of each of the SOP's `actions` that could not be proposed.

    An action of the SOP that is none of `actions` is left out.
    """
    for action in sop.actions:
        if action.action not in actions:
            continue
        try:
            propose(
                action.action,
                {name: (_sample(value), "SOP check") for name, value in action.parameters.items()},
                policy.remediate if policy else None,
                actions,
            )
        except InputError as error:
            yield error.message, error.remedy or "see docs/actions.md"


def _placeholders(sop: Sop) -> Iterator[str]:
    lines = [*sop.command, *sop.metric, *sop.log, *sop.parameter, *sop.fix_action]
    for action in sop.actions:
        lines += [value for value in action.parameters.values() if isinstance(value, str)]
    for line in lines:
        yield from (name.strip() for name in _BRACES.findall(line))


def _sample(value: object) -> object:
    """Fill a template as an alert would; the text around placeholders stays."""
    return _BRACES.sub("sample", value) if isinstance(value, str) else value


def _ties(library: SopLibrary) -> Iterator[tuple[Sop, Sop]]:
    """Yield pairs of SOPs in which only the order decides."""
    keyed = [sop for sop in library.sops if sop.keys]
    for sop, other in combinations(keyed, 2):
        if specificity(sop) == specificity(other) and could_overlap(sop.keys, other.keys):
            yield sop, other


def named_targets(sop: Sop) -> Iterator[tuple[ProposedAction, str]]:
    """Yield the actions of an SOP whose target is known before any alert."""
    services = [key.partition(":")[2].strip() for key in sop.keys if key.startswith("svc:")]
    service = services[0] if len(services) == 1 and "*" not in services[0] else ""
    for action in sop.actions:
        target = str(action.parameters.get("target", ""))
        if _BRACES.fullmatch(target) and "service_name" in target:
            target = service
        if target and "{{" not in target:
            yield action, target
