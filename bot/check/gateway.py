"""Checks the gateways: reachable, healthy, accepts our requests, has the targets of the SOPs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from bot.check.files import named_targets, problems_of_actions
from bot.check.report import Report
from bot.errors import GatewayRejected, GatewayUnavailable, SettingsError
from bot.gateways_from_settings import GatewayAccess, gateway_accesses, named_gateway
from bot.incidents.environments import DEFAULT, UNKNOWN, Environments
from bot.incidents.sops import SopLibrary
from bot.policy import Policy
from bot.remediation.catalogue import CATALOGUE, Action, actions_with, unknown_actions
from bot.remediation.client import ActionCall, GatewayClient, GatewayHealth
from bot.remediation.contract import ActionInfo, ActionList
from bot.remediation.gateways import names_of
from bot.remediation.offers import Offers, merged, read_offers
from bot.remediation.reading import is_reading
from bot.settings import Settings

_REMEDIES = {
    "signature_missing": "set AI_COMMAND_GATEWAY_SECRET to the secret that the gateway has",
    "signature_wrong": "AI_COMMAND_GATEWAY_SECRET is not the secret that the gateway has for us",
    "timestamp_stale": "set the clock of this machine, or of the gateway's",
    "timestamp_invalid": "the gateway is of another version: bring both up to date",
    "source_mismatch": "AI_COMMAND_GATEWAY_SOURCE_ID is not a name in the gateway's `sources`",
}


@dataclass(frozen=True, slots=True)
class _Checked:
    """One gateway and the report of what it says; others than that of the settings are named."""

    report: Report
    access: GatewayAccess

    def problem(self, cause: str, remedy: str) -> None:
        self.report.problem("gateway", self._named(cause), remedy)

    def note(self, text: str) -> None:
        self.report.note("gateway", self._named(text))

    def good(self, text: str) -> None:
        self.report.good("gateway", self._named(text))

    def _named(self, text: str) -> str:
        return f"{self.access.name}: {text}" if self.access.name else text


async def check_gateways(
    report: Report,
    settings: Settings,
    session: aiohttp.ClientSession,
    declared: Environments = DEFAULT,
) -> Offers | None:
    """Check every gateway. Return what they offer together; None if one does not list it."""
    try:
        accesses = gateway_accesses(settings)
        gateways = [named_gateway(access, session, _now) for access in accesses]
    except SettingsError as error:
        for line in error.problems:
            report.problem("gateway", line)
        return None
    lists: dict[str, Offers] = {}
    for access, gateway in zip(accesses, gateways, strict=True):
        listed = await _check_gateway(_Checked(report, access), gateway.client, declared)
        if listed is not None:
            lists[access.name] = listed
    known = {gateway.name: gateway for gateway in gateways}
    offers = merged(lists, lambda name, target: known[name].may_offer(target))
    _check_clashes(report, offers)
    return offers if len(lists) == len(accesses) else None


def _now() -> datetime:
    return datetime.now(UTC)


def _check_clashes(report: Report, offers: Offers) -> None:
    for target, names in offers.clashes.items():
        report.problem(
            "targets",
            f"{target}: several gateways have a target of this name: {names_of(names)}",
            "rename it at one of them, or narrow `targets` in GATEWAYS_FILE (docs/gateway.md)",
        )
    for name, action_id in offers.differing:
        report.note(
            "gateway",
            f"{names_of([name])}: {action_id} is defined otherwise than at another gateway, so it"
            " is not requested here; bring both to the same version",
        )


async def _check_gateway(
    checked: _Checked, client: GatewayClient, declared: Environments
) -> Offers | None:
    """Return the gateway's offers; None if it does not list them."""
    try:
        health = await client.health()
        listed = await client.offers()
        actions = listed.actions if listed else None
        if actions:
            await _sign(client, actions)
    except GatewayUnavailable as error:
        if checked.access.required:
            checked.problem(error.message, error.remedy or "start it, then check again")
        else:
            checked.note(f"nothing can run: {error.message}")
        return None
    except GatewayRejected as error:
        remedy = _remedy_of(checked.access, error)
        checked.problem(f"the gateway refuses this bot: {error.message}", remedy)
        return None
    _report_health(checked, health, actions)
    if listed is None or actions is None:
        return None
    _note_environments(checked.report, listed, declared)
    if listed.read_only:
        checked.note("it is read-only: every action that changes something is refused")
    offers = read_offers(listed)
    for action in offers.actions.values():
        if action.problem:
            checked.note(f"{action.id} cannot be requested: {action.problem}")
    return offers


def _remedy_of(access: GatewayAccess, error: GatewayRejected) -> str:
    remedy = _REMEDIES.get(error.code, error.remedy or "see docs/gateway.md")
    if not access.name:
        return remedy
    in_file = f"gateways.{access.name}."
    return remedy.replace("AI_COMMAND_GATEWAY_SECRET", f"{in_file}secret_file").replace(
        "AI_COMMAND_GATEWAY_SOURCE_ID", f"{in_file}source_id"
    )


def _report_health(
    checked: _Checked, health: GatewayHealth, actions: Sequence[ActionInfo] | None
) -> None:
    signed = checked.access.knows_us
    open_too = signed and "off" in str(health.checks.get("signatures", ""))
    sick = [f"{name}: {text}" for name, text in health.checks.items() if not _is_ok(text)]
    if open_too:
        checked.problem(
            "the bot signs its requests, and the gateway takes unsigned ones too",
            "give the gateway the secret too: sources.<name>.secret_env, see docs/gateway.md",
        )
    elif not signed:
        own = "AI_COMMAND_GATEWAY_SECRET is empty"
        what = "it has no secret_file" if checked.access.name else own
        checked.note(f"requests are not signed: {what}")
    count = f", offers {len(actions)} actions" if actions is not None else ""
    if health.status != "healthy":
        checked.note(f"{health.status}{count}: {'; '.join(map(str, sick))}")
    elif not open_too:
        checked.good(f"{health.status}{count}")


def _is_ok(text: object) -> bool:
    return str(text).startswith("ok")


def _note_environments(report: Report, listed: ActionList, declared: Environments) -> None:
    """Note the targets that get the strictest rule because their environment is unknown."""
    targets = {target for action in listed.actions for target in action.targets}
    for target in sorted(targets):
        word = str(listed.environments.get(target) or "")
        if declared.name_of(word) == UNKNOWN:
            why = f"environment {word[:60]!r} is not declared" if word else "no environment"
            report.note(
                "targets",
                f"{target}: {why}, so the strictest rule of the policy applies;"
                " see targets.<name>.environment (docs/gateway.md) and remediate.environments",
            )


async def _sign(client: GatewayClient, actions: Sequence[ActionInfo]) -> None:
    """Request the plan of an action that changes nothing: the request is signed and names our
    source.
    """
    for action in sorted(actions, key=lambda action: action.mutating):
        if action.targets:
            call = ActionCall(action_id=action.id, target=min(action.targets))
            # The target cannot be planned, but the gateway accepted us.
            with suppress(GatewayUnavailable):
                await client.plan(call)
            return


def check_targets(
    report: Report, sops: SopLibrary, policy: Policy | None, offers: Offers | None
) -> None:
    """Check that the bot or the gateway has each action that SOPs and policy name, and the gateway
    the targets.
    """
    named = [(sop, action, target) for sop in sops.sops for action, target in named_targets(sop)]
    if offers is None:
        others = {a.action for sop in sops.sops for a in sop.actions} - CATALOGUE.keys()
        if named or others:
            what = f", so {', '.join(sorted(others))} cannot be checked" if others else ""
            report.skipped("targets", f"the gateway did not list its actions{what}")
        return
    undeclared = [
        action.id
        for action in offers.actions.values()
        if policy and not action.mutating and not is_reading(policy.remediate, action.id)
    ]
    if undeclared:
        report.note(
            "gateway",
            f"{', '.join(sorted(undeclared))}: only the gateway says that this changes nothing, so"
            " the bot does not run it; name it in remediate.reading if it is true",
        )
    before = report.problems
    actions = actions_with(offers)
    _check_names(report, sops, policy, actions)
    for sop, action, target in named:
        known = sorted(t.name for t in offers.targets.values() if action.action in t.actions)
        if action.action in offers.actions and target not in known:
            report.problem(
                "targets",
                f"{sop.sop_id}: {action.action} on {target}: the gateway has no such target",
                f"it has {', '.join(known) or 'none'}; add it to the gateway's config",
            )
    if report.problems == before:
        report.good("targets", f"the gateway has all {len(named)} that SOPs name")


def _check_names(
    report: Report, sops: SopLibrary, policy: Policy | None, actions: Mapping[str, Action]
) -> None:
    """Check each action that SOPs and policy name against the bot's and the gateway's."""
    gateway_only = {name: action for name, action in actions.items() if name not in CATALOGUE}
    for sop in sops.sops:
        for cause, remedy in problems_of_actions(sop, policy, gateway_only):
            report.problem("sops", f"{sop.sop_id}: {cause}", remedy)
        for action in sop.actions:
            if action.action not in actions:
                close = difflib.get_close_matches(action.action, actions, 1, 0.5)
                report.problem(
                    "sops",
                    f"{sop.sop_id}: neither the bot nor the gateway has an action {action.action}",
                    f"did you mean {close[0]}?" if close else f"there are {', '.join(actions)}",
                )
    for key, word in unknown_actions(policy.remediate, actions) if policy else ():
        report.note("policy", f"{key}: neither the bot nor the gateway has an action {word!r}")
