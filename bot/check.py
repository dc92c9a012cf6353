"""`python -m bot check`: what works and what is missing, one line a check, with the remedy."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.advice.environment import argv_of, child_environment
from bot.errors import SettingsError, SopbotError
from bot.from_settings import gateway_client, read_sops
from bot.hardening import hide_memory
from bot.policy import read_policy
from bot.settings import Settings, forget_secrets, load
from handlers.connection import identify
from handlers.people import problem_of
from store import audits, open_store
from store.proof import Fault
from store.sealing import AuditKey

Check = Callable[[], Awaitable[str]]


async def check() -> int:
    """Run every check; 0 when all pass, else 1. Nothing is posted and nothing is changed."""
    hide_memory()  # the advisor is a child of this process too
    try:
        settings = load()
        forget_secrets()
    except SettingsError as error:
        for problem in error.problems:
            _no("settings", problem)
        print("\n✗ Set these in the environment or in .env; docs/settings.md explains each.")
        return 1
    _yes("settings", "all there")
    for warning in settings.warnings:
        print(f"! {'settings':<10} {warning}")
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            session=session,
        )
        checks: list[tuple[str, Check]] = [
            ("policy", lambda: _policy(settings)),
            ("sops", lambda: _sops(settings)),
            ("manifest", lambda: _manifest(Path("manifest.yml"))),
            ("slack", lambda: _slack(client)),
            ("approvers", lambda: _approvers(client, settings)),
            ("socket", lambda: _socket(client, settings)),
            ("channels", lambda: _channels(client, settings)),
            ("gateway", lambda: _gateway(settings, session)),
            ("advisor", lambda: _advisor(settings)),
            ("store", lambda: _store(settings)),
            ("audit", lambda: _audit(settings)),
        ]
        failed = 0
        for name, run in checks:
            failed += not await _run(name, run)
    print("\n✓ Ready to run." if not failed else f"\n✗ {failed} to mend.")
    return 1 if failed else 0


async def _run(name: str, run: Check) -> bool:
    try:
        _yes(name, await run())
    except SopbotError as error:
        _no(name, str(error))
        return False
    except (SlackApiError, aiohttp.ClientError, OSError, TimeoutError) as error:
        _no(name, f"failed: {type(error).__name__}")
        return False
    return True


def _yes(name: str, text: str) -> None:
    print(f"✓ {name:<10} {text}")


def _no(name: str, text: str) -> None:
    print(f"✗ {name:<10} {text}")


async def _policy(settings: Settings) -> str:
    approvers = read_policy(settings.policy_file).remediate.everybody_who_may_approve
    if not approvers:
        why = "remediate.approvers is empty, so nobody may approve; name Slack user ids"
        raise SettingsError([f"{settings.policy_file}: {why}"])
    return f"{len(approvers)} may approve"


async def _sops(settings: Settings) -> str:
    library = read_sops(settings.sop_dir)
    if library.problems:
        raise SettingsError([str(problem) for problem in library.problems])
    return f"{len(library.sops)} loaded from {settings.sop_dir}"


async def _manifest(path: Path) -> str:
    if not path.is_file():  # noqa: ASYNC240 - a command line, nothing else waits
        return "not here; paste the repository's manifest.yml into Slack's app settings"
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))  # noqa: ASYNC240 - as above
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    return f"asks for {len(scopes)} scopes"


async def _slack(client: AsyncWebClient) -> str:
    identity = await identify(client)
    return f"the bot is {identity.user_id} in {identity.team_id}"


async def _approvers(client: AsyncWebClient, settings: Settings) -> str:
    """Ask Slack about everybody whom the policy names: a typo shows at three in the morning."""
    home = (await identify(client)).team_id
    remediate = read_policy(settings.policy_file).remediate
    named = {
        *remediate.approvers,
        *(one for rule in remediate.rules for one in rule.approvers or ()),
    }
    problems: list[str] = []
    people: set[str] = set()
    for one in sorted(named):
        try:
            if one.startswith("S"):
                members = (await client.usergroups_users_list(usergroup=one)).get("users") or []
                people.update(map(str, members))
                problem = "" if members else "nobody is in this user group"
            else:
                problem = problem_of((await client.users_info(user=one)).get("user"), home)
                people.add(one)
        except SlackApiError as error:
            problem = f"Slack does not know it ({error.response['error']})"
        if problem:
            problems.append(f"{settings.policy_file}: remediate: {one}: {problem}")
    if not problems and len(people) < remediate.approvals_required:
        why = f"needs {remediate.approvals_required} approvers, and names {len(people)}"
        problems.append(f"{settings.policy_file}: remediate.approvals_required: {why}")
    if problems:
        raise SettingsError(problems)
    return f"Slack knows all {len(people)} who may approve"


async def _socket(client: AsyncWebClient, settings: Settings) -> str:
    token = settings.slack_app_token.get_secret_value()
    try:
        await client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        why = f"Slack does not take it ({error.response['error']})"
        remedy = "make an app-level token with connections:write"
        raise SettingsError([f"SLACK_APP_TOKEN: {why}; {remedy}"]) from error
    return "Socket Mode is on"


async def _channels(client: AsyncWebClient, settings: Settings) -> str:
    for channel in settings.slack_alert_channels:
        try:
            answer = await client.conversations_info(channel=channel)
        except SlackApiError as error:
            raise SettingsError(
                [f"SLACK_ALERT_CHANNELS: {channel}: {error.response['error']}"]
            ) from error
        if not answer["channel"].get("is_member"):
            raise SettingsError([f"SLACK_ALERT_CHANNELS: invite the bot to {channel}"])
    return f"a member of {len(settings.slack_alert_channels)}"


async def _gateway(settings: Settings, session: aiohttp.ClientSession) -> str:
    client = gateway_client(settings, session, lambda: datetime.now(UTC))
    health = await client.health()
    actions = await client.actions()
    offers = f", offers {len(actions)} actions" if actions is not None else ""
    return f"{health.status}{offers}"


async def _advisor(settings: Settings) -> str:
    argv = argv_of(settings.advisor_command, q_bin=settings.q_bin)
    if not argv:
        return "none: the SOP's own rules speak"
    try:
        process = await asyncio.create_subprocess_exec(
            argv[0],
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(os.environ, argv[0]),
        )
    except OSError as error:
        raise SettingsError(
            [f"ADVISOR_COMMAND: {argv[0]} cannot be started; set it empty to do without"]
        ) from error
    try:
        async with asyncio.timeout(10):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise SettingsError([f"ADVISOR_COMMAND: {argv[0]} --version did not answer"]) from None
    version = out.decode("utf-8", "replace").splitlines()[:1]
    return f"{argv[0]}: {version[0][:60] if version else 'starts'}"


async def _store(settings: Settings) -> str:
    store = await open_store(settings.store_url.get_secret_value(), owner="check")
    try:
        await store.ping(store.clock())
        return f"takes writes, schema {(await store.schema())[-1]}"
    finally:
        await store.close()


async def _audit(settings: Settings) -> str:
    url = settings.store_url.get_secret_value()
    key = AuditKey(settings.audit_key.get_secret_value())
    try:
        found = await asyncio.to_thread(audits.prove, url, key)
    except Fault as fault:
        why = f"{fault}; `python -m bot audit verify` and docs/audit.md say more"
        raise SettingsError([f"AUDIT_KEY, or the trail: {why}"]) from fault
    return f"{found.rows:,} rows, each proved"
