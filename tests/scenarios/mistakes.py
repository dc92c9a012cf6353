"""Mistakes of an operator: each one real, in a world that works otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.scenarios.mistake import Changes, Mistake
from tests.scenarios.slack_mistakes import SLACK, logged_out
from tests.scenarios.world import BEN, CHLOE, World, restart_sop

HTML = "<!doctype html>" + "x" * 9000


def sop(**changes: Any) -> Callable[[World], None]:
    return lambda world: world.write_sops(restart_sop(world.probe_url) | changes)


def action(**changes: Any) -> Callable[[World], None]:
    restart = {"action": "service.restart", "parameters": {"target": "{{service_name}}"}}
    return sop(actions=[restart | changes])


def file(name: str, text: str) -> Callable[[World], Any]:
    return lambda world: (world.folder / name).write_text(text)


def services(text: str) -> Callable[[World], Changes]:
    def write(world: World) -> Changes:
        (world.folder / "services.yaml").write_text(text)
        return {"SERVICES_FILE": f"{world.folder}/services.yaml"}

    return write


def further(text: str) -> Callable[[World], Changes]:
    def write(world: World) -> Changes:
        (world.folder / "gateways.yaml").write_text(text)
        return {"GATEWAYS_FILE": f"{world.folder}/gateways.yaml"}

    return write


def page_as_store(world: World) -> Changes:
    (world.folder / "page.html").write_text(HTML)
    return {"STORE_URL": f"sqlite:///{world.folder}/page.html"}


SETTINGS = [
    Mistake("settings", "AUDIT_KEY: missing", "openssl rand -hex 32", {"AUDIT_KEY": None}),
    Mistake(
        "settings",
        "SLACK_ALERT_CHANNEL: not a setting",
        "did you mean SLACK_ALERT_CHANNELS?",
        {"SLACK_ALERT_CHANNEL": "C1"},
    ),
    Mistake(
        "settings",
        "SLACK_ALERT_CHANNELS: must be a channel id",
        "such as C0123ABCD, not a name",
        {"SLACK_ALERT_CHANNELS": "#alerts"},
    ),
    Mistake(
        "settings",
        "SLACK_OPS_CHANNEL: must be a channel id",
        "such as C0123ABCD, not a name",
        {"SLACK_OPS_CHANNEL": "ops"},
    ),
    Mistake(
        "settings",
        "SLACK_BOT_TOKEN: must begin with xoxb-",
        "are the two tokens swapped?",
        lambda world: {"SLACK_BOT_TOKEN": world.slack.app_token},
    ),
    Mistake(
        "settings",
        "SLACK_APP_TOKEN: must begin with xapp-",
        "are the two tokens swapped?",
        lambda world: {"SLACK_APP_TOKEN": world.slack.bot_token},
    ),
    Mistake("settings", "SLACK_BOT_TOKEN: is empty", "xoxb-…", {"SLACK_BOT_TOKEN": ""}),
    Mistake(
        "settings",
        "HTTP_TOKEN: required",
        "HTTP_ADDR is not a loopback address",
        {"HTTP_ADDR": "0.0.0.0:8080"},
    ),
    Mistake(
        "settings", "AUDIT_KEY: shorter than 16", "openssl rand -hex 32", {"AUDIT_KEY": "short"}
    ),
    Mistake(
        "settings",
        "the file of AUDIT_KEY_FILE cannot be read",
        "No such file",
        {"AUDIT_KEY": None, "AUDIT_KEY_FILE": "/nowhere/key"},
    ),
    Mistake(
        "settings",
        "SLACK_BOT_TOKEN: holds a space, a line end",
        "xoxb-…",
        lambda world: {"SLACK_BOT_TOKEN": f"{world.slack.bot_token}\n"},
    ),
    Mistake(
        "settings",
        "AI_COMMAND_GATEWAY_URL: must be an address",
        "http://host:8003",
        {"AI_COMMAND_GATEWAY_URL": "http://[::1"},
    ),
    Mistake(
        "settings",
        "AI_COMMAND_GATEWAY_URL: must be an address",
        "http://host:8003",
        {"AI_COMMAND_GATEWAY_URL": "http://gateway:port"},
    ),
    Mistake(
        "settings",
        "AI_COMMAND_GATEWAY_TIMEOUT: must be",
        "75 or more is advised",
        {"AI_COMMAND_GATEWAY_TIMEOUT": "inf"},
    ),
    Mistake(
        "settings",
        "HTTP_ADDR: its port must be at most 65535",
        "host:port",
        {"HTTP_ADDR": "127.0.0.1:99999"},
    ),
    Mistake(
        "settings",
        "QCHAT_MAX_CONCURRENT: must be at most 64",
        "at the same time",
        {"QCHAT_MAX_CONCURRENT": "500"},
    ),
]
FILES = [
    Mistake("policy", "cannot be read", "docs/policy.md", {"POLICY_FILE": "/nowhere/policy.yaml"}),
    Mistake(
        "policy",
        "remediate.aprovers: not a known key",
        "did you mean approvers?",
        world=file("policy.yaml", "remediate:\n  aprovers: [U0BEN00001]\n"),
    ),
    Mistake(
        "policy",
        "nobody may approve",
        "name Slack user ids",
        world=file("policy.yaml", "remediate: {}\n"),
    ),
    Mistake(
        "services",
        "SERVICES_FILE: /nowhere/services.yaml cannot be read",
        "docs/services.md",
        {"SERVICES_FILE": "/nowhere/services.yaml"},
    ),
    Mistake(
        "services",
        "services.yaml:2: services.web.alias: not a known key",
        "did you mean aliases?",
        services("services:\n  web: {alias: [www]}\n"),
    ),
    Mistake(
        "channels",
        "services.yaml: web: C0ELSEWHERE is not in SLACK_ALERT_CHANNELS",
        "add it there",
        services("services:\n  web: {channel: C0ELSEWHERE}\n"),
    ),
    Mistake(
        "sops",
        "SOP_DIR: there is no folder",
        "create it, or correct SOP_DIR",
        {"SOP_DIR": "/nowhere/sops"},
    ),
    Mistake(
        "sops", "all.jsonl:1: not JSON", "docs/sops.md", world=file("sops/all.jsonl", "{oops\n")
    ),
    Mistake(
        "mappings",
        "SOURCES_DIR: there is no folder",
        "create it, or correct SOURCES_DIR",
        {"SOURCES_DIR": "/nowhere/sources"},
    ),
    Mistake(
        "mappings",
        "bad.yaml:2: fields.name: is not JMESPath",
        "docs/sources.md",
        world=file("sources/bad.yaml", "match: {source: a}\nfields: {name: 'a.['}\n"),
    ),
    Mistake("sops", "more.json is not read", "rename it", world=file("sops/more.json", "{}")),
    Mistake(
        "sops",
        "there is no placeholder {{servicename}}",
        "did you mean {{service_name}}?",
        world=sop(command=["GET {{servicename}}/health"]),
    ),
    Mistake(
        "sops",
        "there is no placeholder {{service-name}}",
        "did you mean {{service_name}}?",
        world=sop(log=["{{ service-name }} errors"]),
    ),
    Mistake(
        "sops",
        "neither the bot nor the gateway has an action service.reboot",
        "service.restart",
        world=action(action="service.reboot"),
    ),
    Mistake(
        "sops",
        "grace_seconds: must be at most 120",
        "docs/actions.md",
        world=action(parameters={"target": "{{service_name}}", "grace_seconds": 900}),
    ),
    Mistake("sops", "A target is required", "Name the service", world=action(parameters={})),
    Mistake(
        "targets",
        "service.restart on checkout-ap: the gateway has no such target",
        "it has checkout-api",
        world=action(parameters={"target": "checkout-ap"}),
    ),
    Mistake(
        "targets",
        "service.restart on cart: the gateway has no such target",
        "it has checkout-api",
        world=sop(keys=["svc:cart"]),
    ),
    Mistake(
        "pollers",
        "detect.pollers: shop: /tmp is not a regular file",
        "name the log file itself",
        world=lambda world: world.write_policy(
            BEN,
            CHLOE,
            segments={"detect": {"pollers": [{"name": "shop", "file": "/tmp", "pattern": "x"}]}},
        ),
    ),
    Mistake(
        "policy",
        "detect.pollers.0.pattern: between two fields there must be text",
        "docs/policy.md",
        world=lambda world: world.write_policy(
            BEN,
            segments={"detect": {"pollers": [{"name": "x", "file": "/x", "pattern": "a {b}{c}"}]}},
        ),
    ),
    Mistake(
        "runbooks",
        "RUNBOOK_DIR: there is no folder /nowhere",
        "create it, or remove RUNBOOK_DIR",
        {"RUNBOOK_DIR": "/nowhere"},
    ),
]
GATEWAY = [
    Mistake(
        "gateway",
        "cannot be reached",
        "start it",
        {"AI_COMMAND_GATEWAY_URL": "http://127.0.0.1:1"},
    ),
    Mistake(
        "gateway",
        "source_id is not the one that signed this",
        "AI_COMMAND_GATEWAY_SOURCE_ID",
        {"AI_COMMAND_GATEWAY_SOURCE_ID": "somebody"},
    ),
    Mistake(
        "gateway",
        "The signature does not match",
        "AI_COMMAND_GATEWAY_SECRET is not the secret",
        {"AI_COMMAND_GATEWAY_SECRET": "another secret of the tests"},
    ),
    Mistake(
        "gateway",
        "takes signed requests only",
        "set AI_COMMAND_GATEWAY_SECRET",
        {"AI_COMMAND_GATEWAY_SECRET": ""},
    ),
    Mistake(
        "gateway",
        "but not with its health",
        "the gateway's own address",
        lambda world: {"AI_COMMAND_GATEWAY_URL": world.slack.api_url},
    ),
    Mistake(
        "gateway",
        "GATEWAYS_FILE: gateways.yaml",
        "gateways.pay.url",
        further("gateways: {pay: {}}"),
    ),
    Mistake(
        "gateway",
        "GATEWAYS_FILE: pay: /nowhere/secret cannot be read",
        "",
        further("gateways: {pay: {url: http://127.0.0.1:1, secret_file: /nowhere/secret}}"),
    ),
    Mistake(
        "gateway",
        "pay: The gateway at http://127.0.0.1:1 cannot be reached",
        "start it",
        further("gateways: {pay: {url: http://127.0.0.1:1}}"),
    ),
]
MACHINE = [
    Mistake(
        "advisor", "could not be started", "Install it", {"ADVISOR_COMMAND": "nowhere-to-be-found"}
    ),
    Mistake(
        "advisor",
        "--trust-all-tools lets alert text run tools on this host",
        "Remove it",
        {"ADVISOR_COMMAND": "q chat --trust-all-tools"},
    ),
    Mistake(
        "advisor",
        "ADVISOR_COMMAND: not readable",
        "docs/advice.md",
        {"ADVISOR_COMMAND": "q 'chat"},
    ),
    Mistake("advisor", "needs a login", "q login", logged_out),
    Mistake(
        "store",
        "there is no folder /nowhere",
        "create it",
        {"STORE_URL": "sqlite:////nowhere/sopbot.db"},
    ),
    Mistake("store", "page.html", "STORE_URL", page_as_store),
    Mistake(
        "store",
        "STORE_URL: mysql is not known here",
        "postgresql://",
        {"STORE_URL": "mysql://u:hunter2@h/d"},
    ),
    Mistake(
        "store",
        "127.0.0.1",
        "STORE_URL",
        {"STORE_URL": "postgresql://u:hunter2@127.0.0.1:1/d"},
    ),
]
MISTAKES = [*SETTINGS, *FILES, *SLACK, *GATEWAY, *MACHINE]
