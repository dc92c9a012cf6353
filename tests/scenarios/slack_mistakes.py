"""Mistakes in the Slack app: scopes, channels, tokens, people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from tests.scenarios.mistake import Changes, Mistake
from tests.scenarios.world import BEN, CHLOE, World

MANIFEST = Path(__file__).parents[2] / "manifest.yml"
SCOPES = tuple(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])
OPS = "C0OPS00001"


def scopes_without(*missing: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.slack.core.scopes = tuple(scope for scope in SCOPES if scope not in missing)

    return change


def archived(channel: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.slack.core.workspace.channels[channel].is_archived = True

    return change


def bot_left(world: World) -> None:
    workspace = world.slack.core.workspace
    workspace.channels["C0ALERTS01"].members.discard(workspace.app.user_id)


def routed_to(channel: str) -> Callable[[World], None]:
    """A policy that sends the alerts of one service to this channel."""
    routes = [{"match": {"service": "shop"}, "channel": channel}]
    return lambda world: world.write_policy(BEN, CHLOE, segments={"ingest": {"routes": routes}})


def digest_in(channel: str) -> Callable[[World], None]:
    """A policy that posts a digest in this channel."""
    digests = [{"name": "morning", "cron": "0 8 * * *", "channel": channel}]
    return lambda world: world.write_policy(BEN, CHLOE, segments={"notify": {"digests": digests}})


def socket_mode_off(world: World) -> None:
    world.slack.script.fail("apps.connections.open", "socket_mode_disabled", times=None)


def logged_out(world: World) -> Changes:
    """A stand-in for `q` that nobody has logged in."""
    path = world.folder / "q"
    path.write_text('#!/bin/sh\n[ "$1" = whoami ] && exit 1\necho q 1.19.7\n')
    path.chmod(0o700)
    return {"ADVISOR_COMMAND": f"{path} chat --no-interactive"}


SLACK = [
    Mistake(
        "slack",
        "SLACK_BOT_TOKEN: Slack does not accept it",
        "Bot User OAuth Token",
        {"SLACK_BOT_TOKEN": "xoxb-1-2"},
    ),
    Mistake(
        "socket",
        "SLACK_APP_TOKEN: Slack does not accept it",
        "connections:write",
        {"SLACK_APP_TOKEN": "xapp-1-2"},
    ),
    Mistake("socket", "Socket Mode is off", "switch it on", world=socket_mode_off),
    *(
        Mistake(
            "scopes", f"the app lacks {scope};", "reinstall the app", None, scopes_without(scope)
        )
        for scope in ("channels:history", "groups:history", "chat:write", "channels:read")
    ),
    Mistake(
        "scopes",
        "the app lacks usergroups:read, users:read",
        "reinstall the app",
        world=scopes_without("users:read", "usergroups:read"),
    ),
    Mistake(
        "channels",
        "SLACK_ALERT_CHANNELS: C0ALERTS01 (#alerts) is archived",
        "unarchive it",
        world=archived("C0ALERTS01"),
    ),
    Mistake(
        "channels",
        "SLACK_ALERT_CHANNELS: C0ALERTS01 (#alerts): the bot is not in it",
        "/invite",
        world=bot_left,
    ),
    Mistake(
        "channels",
        "SLACK_ALERT_CHANNELS: C0NOBODY99: Slack knows no such channel",
        "copy the id",
        {"SLACK_ALERT_CHANNELS": "C0ALERTS01,C0NOBODY99"},
    ),
    Mistake(
        "channels",
        "SLACK_OPS_CHANNEL: C0NOBODY99: Slack knows no such channel",
        "copy the id",
        {"SLACK_OPS_CHANNEL": "C0NOBODY99"},
    ),
    Mistake(
        "channels",
        "SLACK_OPS_CHANNEL: C0OPS00001 (#ops) is archived",
        "unarchive it",
        world=archived(OPS),
    ),
    Mistake(
        "channels",
        "ingest.routes: C0RANDOM01 is not in SLACK_ALERT_CHANNELS",
        "add it there",
        world=routed_to("C0RANDOM01"),
    ),
    Mistake(
        "channels",
        "SLACK_ALERT_CHANNELS: C0RANDOM01 (#random): the bot is not in it",
        "/invite",
        {"SLACK_ALERT_CHANNELS": "C0ALERTS01,C0RANDOM01"},
        routed_to("C0RANDOM01"),
    ),
    Mistake(
        "channels",
        "notify.digests: C0RANDOM01 (#random): the bot is not in it",
        "/invite",
        world=digest_in("C0RANDOM01"),
    ),
    Mistake(
        "sources",
        "SLACK_ALERT_SOURCES: Slack knows no bot B0NOBODY99",
        "its id (B…)",
        {"SLACK_ALERT_SOURCES": "B0NOBODY99"},
    ),
    Mistake(
        "sources",
        "SLACK_ALERT_SOURCES: 'Alertmanager' is neither",
        "its id (B…)",
        {"SLACK_ALERT_SOURCES": "Alertmanager"},
    ),
    Mistake(
        "approvers",
        "U0NOBODY99: Slack does not know it",
        "a member of this workspace",
        world=lambda world: world.write_policy("U0NOBODY99", BEN),
    ),
    Mistake(
        "approvers",
        "this account is deactivated",
        "a member of this workspace",
        world=lambda world: world.slack.change_user("ben", is_deleted=True),
    ),
    Mistake(
        "approvers",
        "needs 3 approvers, and names 2",
        "name more people",
        world=lambda world: world.write_policy(BEN, CHLOE, approvals_required=3),
    ),
    Mistake(
        "slack",
        "Slack cannot be reached",
        "check the network and SLACK_API_URL",
        {"SLACK_API_URL": "http://127.0.0.1:1/api/"},
    ),
]
