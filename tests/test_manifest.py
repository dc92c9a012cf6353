"""manifest.yml and the code cannot drift: what is declared is handled, what is handled declared."""

import re
from pathlib import Path

import yaml

import handlers
from handlers.listeners.commands import INCIDENT, SOP

ROOT = Path(__file__).parent.parent
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
CODE = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "handlers").rglob("*.py"))
)


def test_every_declared_command_has_a_listener_and_the_reverse():
    declared = {command["command"] for command in MANIFEST["features"]["slash_commands"]}
    handled = set(re.findall(r'listeners\.command\("(/[a-z]+)",', CODE))
    assert declared == handled


def test_the_usage_hints_name_the_verbs_there_are():
    hints = {c["command"]: c["usage_hint"] for c in MANIFEST["features"]["slash_commands"]}
    assert hints["/incident"].split(" | ") == list(INCIDENT)
    assert hints["/sop"].split(" | ") == list(SOP)


def test_every_declared_shortcut_has_a_listener_and_the_reverse():
    declared = {shortcut["callback_id"] for shortcut in MANIFEST["features"]["shortcuts"]}
    handled = set(re.findall(r'listeners\.shortcut\("([a-z_.]+)",', CODE))
    assert declared == handled


def test_every_subscribed_event_has_a_listener_and_the_reverse():
    declared = {e.split(".")[0] for e in MANIFEST["settings"]["event_subscriptions"]["bot_events"]}
    handled = set(re.findall(r'listeners\.event\("([a-z_]+)",', CODE))
    assert declared == handled, "an event without a listener is never acknowledged"


def test_every_scope_is_explained_and_none_is_explained_that_is_not_asked_for():
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    text = (ROOT / "docs/slack-app.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z_:]+)` \|", text, re.MULTILINE))
    assert explained == scopes


def test_every_slack_method_we_call_is_covered_by_a_scope():
    needs = {
        "chat_postMessage": "chat:write",
        "chat_postEphemeral": "chat:write",
        "chat_update": "chat:write",
        "chat_delete": "chat:write",
        "chat_getPermalink": None,
        "conversations_history": "channels:history",
        "conversations_replies": "channels:history",
        "views_open": None,
        "conversations_open": "im:write",
        "views_publish": None,
        "users_info": "users:read",
        "users_conversations": "channels:read",
        "conversations_info": "channels:read",
        "files_upload_v2": "files:write",
        "usergroups_users_list": "usergroups:read",
    }
    called = set(re.findall(r'_call\(\s*"([A-Za-z_]+)"', CODE))
    unknown = called - needs.keys()
    assert not unknown, f"say in this test which scope {unknown} needs, and put it in manifest.yml"
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert {needs[method] for method in called} - {None} <= scopes


def test_no_address_is_needed_because_socket_mode_is_on():
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in (ROOT / "manifest.yml").read_text(encoding="utf-8")
    assert handlers.register
