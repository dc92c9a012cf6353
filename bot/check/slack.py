"""Checks Slack: both tokens, the app's scopes, the channels, the senders, all approvers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.reason_text import to_presser
from bot.approvals.reasons import LostVote
from bot.check.report import Report
from bot.example_files import MANIFEST
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.policy import Policy
from bot.settings import Settings
from handlers.listeners.user_status import problem_of

_TOKENS = {
    "invalid_auth": "it is not a token of this workspace",
    "not_authed": "it is empty",
    "token_revoked": "it was revoked",
    "token_expired": "it has expired",
    "account_inactive": "the app was uninstalled, or its bot deactivated",
    "not_allowed_token_type": "it is the other kind of token",
    "missing_scope": "it lacks connections:write",
}
_CHANNELS = {
    "channel_not_found": (
        "Slack knows no such channel, or it is private and the bot is not in it",
        "copy the id from the channel's details, and `/invite` the bot there",
    ),
}
_ID = "its id (B…) is in the bot's profile in Slack; the app's (A…) is at api.slack.com/apps"
_REINSTALL = "compare the app's manifest with manifest.yml, then reinstall the app"


class SlackCheck:
    """Checks against Slack, without changing anything there."""

    def __init__(self, report: Report, settings: Settings, client: AsyncWebClient) -> None:
        self._report = report
        self._settings = settings
        self._client = client
        self._team = ""
        self._reached = True
        self._scopes: frozenset[str] | None = None

    async def run(self, policy: Policy | None, services: Catalogue = NO_SERVICES) -> None:
        """Run every check; skip those that need a missing token or scope."""
        signed_in = await self._guarded("slack", self._bot_token)
        if self._reached:
            await self._guarded("socket", self._app_token)
        if not signed_in:
            for name in ("scopes", "channels", "approvers"):
                self._report.skipped(name, "Slack does not answer to SLACK_BOT_TOKEN")
            return
        self._check_scopes()
        if self._has("channels", "channels:read"):
            await self._guarded("channels", lambda: self._channels(policy, services))
        if self._settings.slack_alert_sources and self._has("sources", "users:read"):
            await self._guarded("sources", self._sources)
        if policy is not None and self._has("approvers", "users:read"):
            await self._guarded("approvers", lambda: self._approvers(policy))

    async def _guarded(self, name: str, run: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await run()
        except SlackApiError as error:
            self._report.problem(name, f"Slack refused: {_name_of(error)}", "see docs/slack-app.md")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._reached = False
            cause = f"Slack cannot be reached at {self._settings.slack_api_url}"
            remedy = f"check the network and SLACK_API_URL ({type(error).__name__})"
            self._report.problem(name, cause, remedy)
        return False

    async def _bot_token(self) -> bool:
        try:
            answer = await self._client.auth_test()
        except SlackApiError as error:
            why = _TOKENS.get(_name_of(error), _name_of(error))
            self._report.problem(
                "slack",
                f"SLACK_BOT_TOKEN: Slack does not accept it: {why}",
                "copy the Bot User OAuth Token (xoxb-…) of OAuth & Permissions",
            )
            return False
        self._team = str(answer["team_id"])
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if "x-oauth-scopes" in headers:
            scopes = str(headers["x-oauth-scopes"]).split(",")
            self._scopes = frozenset(scope.strip() for scope in scopes if scope.strip())
        self._report.good("slack", f"the bot is {answer['user_id']} in {self._team}")
        return True

    def _check_scopes(self) -> None:
        if self._scopes is None:
            self._report.note("scopes", "this Slack does not say which scopes the app has")
            return
        missing = [scope for scope in _required_scopes() if scope not in self._scopes]
        if missing:
            self._report.problem("scopes", f"the app lacks {', '.join(missing)}", _REINSTALL)
        else:
            self._report.good("scopes", f"all {len(_required_scopes())} of manifest.yml")

    def _has(self, name: str, scope: str) -> bool:
        if self._scopes is None or scope in self._scopes:
            return True
        self._report.skipped(name, f"the app lacks {scope}")
        return False

    async def _app_token(self) -> bool:
        try:
            await self._client.apps_connections_open(
                app_token=self._settings.slack_app_token.get_secret_value()
            )
        except SlackApiError as error:
            name = _name_of(error)
            if "socket" in name or name in ("forbidden_team", "link_disabled"):
                self._report.problem(
                    "socket",
                    f"Socket Mode is off ({name})",
                    "switch it on: api.slack.com/apps, your app, Socket Mode",
                )
                return False
            self._report.problem(
                "socket",
                f"SLACK_APP_TOKEN: Slack does not accept it: {_TOKENS.get(name, name)}",
                "make an app-level token (xapp-…) with connections:write in Basic Information",
            )
            return False
        self._report.good("socket", "Socket Mode is on")
        return True

    async def _channels(self, policy: Policy | None, services: Catalogue) -> bool:
        settings = self._settings
        before = self._report.problems
        for channel in settings.slack_alert_channels:
            await self._channel("SLACK_ALERT_CHANNELS", channel)
        ops = settings.slack_ops_channel
        if ops and ops not in settings.slack_alert_channels:
            await self._channel("SLACK_OPS_CHANNEL", ops)
        for digest in policy.notify.digests if policy else ():
            if digest.channel and digest.channel not in settings.slack_alert_channels:
                await self._channel(f"{settings.policy_file}: notify.digests", digest.channel)
        for channel, where in sorted(_chosen(settings, policy, services).items()):
            self._report.problem(
                "channels",
                f"{where}: {channel} is not in SLACK_ALERT_CHANNELS",
                "add it there, or name another channel",
            )
        if self._report.problems == before:
            channels = {*settings.slack_alert_channels, *filter(None, [ops])}
            self._report.good("channels", f"a member of {len(channels)}")
        return self._report.problems == before

    async def _channel(self, setting: str, channel: str) -> None:
        try:
            details: Mapping[str, Any] = (await self._client.conversations_info(channel=channel))[
                "channel"
            ]
        except SlackApiError as error:
            name = _name_of(error)
            cause, remedy = _CHANNELS.get(name, (name, "see docs/slack-app.md"))
            self._report.problem("channels", f"{setting}: {channel}: {cause}", remedy)
            return
        shown = f"{setting}: {channel} (#{details.get('name', '?')})"
        if details.get("is_archived"):
            self._report.problem(
                "channels", f"{shown} is archived", "unarchive it, or name another channel"
            )
        elif not details.get("is_member"):
            self._report.problem(
                "channels", f"{shown}: the bot is not in it", "type `/invite @sopbot` there"
            )

    async def _sources(self) -> bool:
        before = self._report.problems
        for source in self._settings.slack_alert_sources:
            if re.fullmatch(r"A[A-Z0-9]{6,}", source):
                continue  # Slack has no method that looks up an app by its id
            if not re.fullmatch(r"B[A-Z0-9]{6,}", source):
                self._report.problem(
                    "sources", f"SLACK_ALERT_SOURCES: {source!r} is neither a bot nor an app", _ID
                )
                continue
            try:
                await self._client.bots_info(bot=source)
            except SlackApiError as error:
                if _name_of(error) not in ("bot_not_found", "invalid_bot_id"):
                    raise
                self._report.problem(
                    "sources",
                    f"SLACK_ALERT_SOURCES: Slack knows no bot {source}",
                    _ID,
                )
        if self._report.problems == before:
            self._report.good("sources", f"{len(self._settings.slack_alert_sources)} may alert")
        return self._report.problems == before

    async def _approvers(self, policy: Policy) -> bool:
        """Check all approvers: otherwise a typo is only noticed during an incident."""
        file, remediate = self._settings.policy_file, policy.remediate
        named = {
            *remediate.approvers,
            *(approver for rule in remediate.rules for approver in rule.approvers or ()),
        }
        before = self._report.problems
        people: set[str] = set()
        for approver in sorted(named):
            members, problem = await self._who(approver)
            people |= members
            if problem:
                where = f"{file}: remediate: {approver}"
                self._report.problem(
                    "approvers", f"{where}: {problem}", "name a member of this workspace"
                )
        known = self._report.problems == before
        if known and named and len(people) < remediate.approvals_required:
            self._report.problem(
                "approvers",
                f"{file}: remediate.approvals_required: needs {remediate.approvals_required}"
                f" approvers, and names {len(people)}",
                "name more people, or ask for fewer",
            )
        elif known and named:
            self._report.good("approvers", f"Slack knows all {len(people)} who may approve")
        return self._report.problems == before

    async def _who(self, approver: str) -> tuple[set[str], str]:
        """Return the users behind a user or a user group, and the reason if it does not count."""
        try:
            if approver.startswith("S"):
                answer = await self._client.usergroups_users_list(usergroup=approver)
                members = {str(user) for user in answer.get("users") or []}
                return members, "" if members else "nobody is in this user group"
            answer = await self._client.users_info(user=approver)
        except SlackApiError as error:
            return set(), f"Slack does not know it ({_name_of(error)})"
        problem = problem_of(answer.get("user"), self._team)
        return {approver}, to_presser(LostVote(problem)) if problem else ""


def _name_of(error: SlackApiError) -> str:
    try:
        return str(error.response["error"])
    except (KeyError, TypeError):
        return "unknown_error"


def _required_scopes() -> list[str]:
    """Return the scopes that manifest.yml requests."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return [str(scope) for scope in manifest["oauth_config"]["scopes"]["bot"]]


def _chosen(settings: Settings, policy: Policy | None, services: Catalogue) -> dict[str, str]:
    """Return every channel that a file chooses and the settings do not name, with where."""
    chosen = {
        service.channel: f"{settings.services_file}: {service.name}"
        for service in services.services.values()
        if service.channel
    }
    for route in policy.ingest.routes if policy else ():
        chosen[route.channel] = f"{settings.policy_file}: ingest.routes"
    return {
        channel: where
        for channel, where in chosen.items()
        if channel not in settings.slack_alert_channels
    }
