"""The JSON Schema for editors is made of the declarations by which the bot reads the file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from bot.__main__ import main
from bot.errors import InputError
from bot.policy import parse_policy
from bot.policy.model import Policy
from bot.policy.profiles import PROFILES
from bot.policy.schema import policy_schema

ROOT = Path(__file__).parents[2]
check = fastjsonschema.compile(policy_schema())


def as_an_editor_reads(text: str) -> Any:
    """JSON has no times: an editor sees the text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.isoformat() if isinstance(value, datetime) else value

    return plain(yaml.safe_load(text) or {})


FINE = [
    (ROOT / "config/policy.yaml").read_text(),
    *(
        f"profile: {name}\n{yaml.safe_dump(json.loads(json.dumps(PROFILES[name])))}"
        for name in PROFILES
    ),
    "remediate: {approvers: [U0ANA, S0SRE]}",
    "includes: []",
    "ingest: {routes: [{match: {service: [a, b], label.team: x}, channel: C0123}]}",
    (
        "remediate: {maintenance_windows: [{starts_at: 2026-12-01T22:00:00Z, ends_at:"
        " 2026-12-02T02:00:00Z}]}"
    ),
    "overrides: [{name: a, match: {service: x}, features: {advice: false}}]",
    "correlate: {depends_on: {a: [b]}}",
    "notify: {quiet_hours: {windows: [{start: '22:00', end: '06:00'}], post_at_once: [critical]}}",
    "notify: {mentions: [U0ANA]}",
    "notify: {quiet_hours: [{match: {service: x}, windows: [{cron: '0 2 * * *', minutes: 9}]}]}",
]

REFUSED = [
    "remidiate: {}",
    "remediate: {aprovers: []}",
    "remediate: {approvers: ['*']}",
    "remediate: {approvers: U0ANA}",
    "remediate: {approvals_required: 0}",
    "remediate: [1]",
    "remediate:",
    "remediate: {rules: [{environments: []}]}",
    "remediate: {rules: [{risk_at_least: huge}]}",
    "remediate: {guests_may: [approve]}",
    "remediate: {actions: {service.stop: {enable: false}}}",
    "remediate: {maintenance_windows: [{start: '22:00'}]}",
    "remediate: {maintenance_windows: [{start: '22:00', end: '23:30Z'}]}",
    "correlate: {stale_after_hours: 721}",
    "correlate: {depends_on: {a: b}}",
    "notify: {storm_limit: 0}",
    "notify: {post_burst: many}",
    "notify: {maintenance: [{name: A b}]}",
    "notify: {quiet_hours: {windows: []}}",
    "ingest: {routes: [{match: {sevice: x}, channel: C0123}]}",
    "ingest: {routes: [{match: {}, channel: C0123}]}",
    "ingest: {routes: [{match: {service: []}, channel: C0123}]}",
    "ingest: {routes: [{match: {service: ' '}, channel: C0123}]}",
    "ingest: {routes: [{match: {service: x}, channel: '#general'}]}",
    "ingest: {same_sender: [[slack:B0123]]}",
    "ingest: {read_back_hours: 0}",
    "detect: {pollers: [{name: a, file: log, pattern: x}]}",
    "llm: {sources: [{name: p, kind: graphite, url: 'http://x', queries: {a: b}}]}",
    "llm: {sources: [{name: p, kind: loki, url: 'http://x', queries: {a: ''}}]}",
    "privacy: {redact: [names]}",
    "retention: {alerts_days: 0}",
    "slo: {fast_path_p95_ms: 0}",
    "profile: pok",
    "schema_version: '2'",
    "includes: [../a.yaml]",
    "features: {advise: true}",
    "overrides: [{name: a}]",
    "overrides: [{name: a, match: {team: x}, notify: {unanswered_seconds: 1}}]",
    "overrides: [{name: a, match: {service: x}, remediate: {approvers: []}}]",
]


@pytest.mark.parametrize("text", FINE)
def test_the_schema_takes_what_the_bot_takes(text: str) -> None:
    parse_policy(text, file="policy.yaml")
    check(as_an_editor_reads(text))


@pytest.mark.parametrize("text", REFUSED)
def test_the_schema_refuses_what_the_bot_refuses(text: str) -> None:
    with pytest.raises(InputError):
        parse_policy(text, file="policy.yaml")
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(as_an_editor_reads(text))


def test_the_schema_takes_a_role_of_the_approvers() -> None:
    roles = {"sre": ("U0ANA",)}
    text = "remediate: {approvers: [sre], rules: [{approvers: [sre]}]}"
    parse_policy(text, file="policy.yaml", roles=roles)
    check(as_an_editor_reads(text))


def test_the_command_writes_the_schema_with_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"].keys() == Policy.model_fields.keys()
    assert schema["$schema"].endswith("draft-07/schema#")


def test_the_command_shows_each_value_and_its_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.yaml"
    (tmp_path / "a.yaml").write_text("notify:\n  storm_limit: 5\n")
    file.write_text(
        "profile: core-fast\nincludes: [a.yaml]\nremediate:\n  approvers: [U0ANA]\n"
        "overrides:\n  - name: shop\n    match: {service: 'shop-*', env: prod}\n"
        "    correlate:\n      stale_after_hours: 6\n"
    )
    arguments = ["policy", "show", "--json", "--policy", str(file)]

    def shown(*more: str) -> dict[str, Any]:
        assert main([*arguments, *more]) == 0
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    values = shown("--service", "ShopApi", "--env", "LIVE")
    assert values["correlate.stale_after_hours"] == {
        "value": 6.0,
        "from": "override shop (policy.yaml:9)",
    }
    assert values["notify.storm_limit"] == {"value": 5, "from": "a.yaml:2"}
    assert values["features.advice"] == {"value": False, "from": "profile core-fast"}
    assert values["remediate.approvers"]["from"] == "policy.yaml:4"
    assert values["remediate.reason_required"] == {"value": False, "from": "default"}
    assert shown()["correlate.stale_after_hours"] == {"value": 2.0, "from": "default"}
    assert main(["policy", "show", "--policy", str(file)]) == 0
    assert "stale_after_hours" in capsys.readouterr().out
    file.write_text("notify: {storm_limits: 5}")
    assert main(arguments) == 1
    assert "policy.yaml:1: notify.storm_limits" in capsys.readouterr().err
