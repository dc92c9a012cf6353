"""Checks the gateway: reachable, healthy, accepts our requests, has the targets of the SOPs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import aiohttp

from bot.check.files import named_targets, problems_of_actions
from bot.check.report import Report
from bot.errors import GatewayRejected, GatewayUnavailable
from bot.from_settings import gateway_client
from bot.incidents.environments import DEFAULT, UNKNOWN, Environments
from bot.incidents.sops import SopLibrary
from bot.policy import Policy
from bot.remediation.catalogue import CATALOGUE, Action, actions_with, unknown_actions
from bot.remediation.client import ActionCall, GatewayClient, GatewayHealth
from bot.remediation.contract import ActionInfo, ActionList
from bot.remediation.offers import Offers, read_offers
from bot.remediation.reading import is_reading
from bot.settings import Settings

_REMEDIES = {
    "signature_missing": "set AI_COMMAND_GATEWAY_SECRET to the secret that the gateway has",
    "signature_wrong": "AI_COMMAND_GATEWAY_SECRET is not the secret that the gateway has for us",
    "timestamp_stale": "set the clock of this machine, or of the gateway's",
    "timestamp_invalid": "the gateway is of another version: bring both up to date",
    "source_mismatch": "AI_COMMAND_GATEWAY_SOURCE_ID is not a name in the gateway's `sources`",
}


async def check_gateway(
    report: Report,
    settings: Settings,
    session: aiohttp.ClientSession,
    declared: Environments = DEFAULT,
) -> Offers | None:
    """Return the gateway's offers; None if it does not list them."""
    client = gateway_client(settings, session, lambda: datetime.now(UTC))
    try:
        health = await client.health()
        listed = await client.offers()
        actions = listed.actions if listed else None
        if actions:
            await _sign(client, actions)
    except GatewayUnavailable as error:
        if settings.ai_command_gateway_required:
            report.problem("gateway", error.message, error.remedy or "start it, then check again")
        else:
            report.note("gateway", f"nothing can run: {error.message}")
        return None
    except GatewayRejected as error:
        remedy = _REMEDIES.get(error.code, error.remedy or "see docs/gateway.md")
        report.problem("gateway", f"the gateway refuses this bot: {error.message}", remedy)
        return None
    _report_health(report, settings, health, actions)
    if listed is None or actions is None:
        return None
    _note_environments(report, listed, declared)
    if listed.read_only:
        report.note("gateway", "it is read-only: every action that changes something is refused")
    offers = read_offers(listed)
    for action in offers.actions.values():
        if action.problem:
            report.note("gateway", f"{action.id} cannot be requested: {action.problem}")
    return offers


def _report_health(
    report: Report,
    settings: Settings,
    health: GatewayHealth,
    actions: Sequence[ActionInfo] | None,
) -> None:
    signed = settings.gateway_knows_us
    open_too = signed and "off" in str(health.checks.get("signatures", ""))
    sick = [f"{name}: {text}" for name, text in health.checks.items() if not _is_ok(text)]
    if open_too:
        report.problem(
            "gateway",
            "the bot signs its requests, and the gateway takes unsigned ones too",
            "give the gateway the secret too: sources.<name>.secret_env, see docs/gateway.md",
        )
    elif not signed:
        report.note("gateway", "requests are not signed: AI_COMMAND_GATEWAY_SECRET is empty")
    count = f", offers {len(actions)} actions" if actions is not None else ""
    if health.status != "healthy":
        report.note("gateway", f"{health.status}{count}: {'; '.join(map(str, sick))}")
    elif not open_too:
        report.good("gateway", f"{health.status}{count}")


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
