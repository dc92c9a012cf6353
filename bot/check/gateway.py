"""Checks the gateway: reachable, healthy, accepts our requests, has the targets of the SOPs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import aiohttp

from bot.check.files import named_targets
from bot.check.report import Report
from bot.errors import GatewayRejected, GatewayUnavailable
from bot.from_settings import gateway_client
from bot.incidents.environments import DEFAULT, UNKNOWN, Environments
from bot.incidents.sops import SopLibrary
from bot.remediation.client import ActionCall, GatewayClient
from bot.remediation.contract import ActionInfo, ActionList
from bot.settings import Settings

Offered = dict[str, frozenset[str]]
"""The gateway's actions, each with its targets."""

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
) -> Offered | None:
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
    signed = bool(settings.ai_command_gateway_secret.get_secret_value())
    sick = [f"{name}: {text}" for name, text in health.checks.items() if not _is_ok(text)]
    if signed and "off" in str(health.checks.get("signatures", "")):
        report.problem(
            "gateway",
            "AI_COMMAND_GATEWAY_SECRET is set, and the gateway takes unsigned requests too",
            "give the gateway the secret too: sources.<name>.secret_env, see docs/gateway.md",
        )
    elif not signed:
        report.note("gateway", "requests are not signed: AI_COMMAND_GATEWAY_SECRET is empty")
    offers = f", offers {len(actions)} actions" if actions is not None else ""
    if health.status != "healthy":
        report.note("gateway", f"{health.status}{offers}: {'; '.join(map(str, sick))}")
    elif not signed or "off" not in str(health.checks.get("signatures", "")):
        report.good("gateway", f"{health.status}{offers}")
    if listed is None or actions is None:
        return None
    _note_environments(report, listed, declared)
    return {action.id: frozenset(action.targets) for action in actions}


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


def check_targets(report: Report, sops: SopLibrary, offered: Offered | None) -> None:
    """Check that the gateway offers each action that the SOPs will propose."""
    named = [(sop, action, target) for sop in sops.sops for action, target in named_targets(sop)]
    if offered is None:
        if named:
            report.skipped("targets", "the gateway did not list its actions")
        return
    before = report.problems
    for sop, action, target in named:
        if action.action not in offered:
            continue  # not in the catalogue: reported with the SOP
        known = offered[action.action]
        if target not in known:
            report.problem(
                "targets",
                f"{sop.sop_id}: {action.action} on {target}: the gateway has no such target",
                f"it has {', '.join(sorted(known)) or 'none'}; add it to the gateway's config",
            )
    if report.problems == before:
        report.good("targets", f"the gateway has all {len(named)} that SOPs name")
