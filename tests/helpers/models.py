"""Made-up models for the views, wild texts, and what Slack says of the blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SlackBlock

from bot.approvals.model import Approval, Choice, Execution, Vote
from bot.incidents.model import Hyperlink, Incident, IncidentStatus, Severity
from bot.incidents.remediation import Parameter, Preview, Proposal, RemediationStatus
from bot.simulator import refuse_blocks

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
ANA, BEN, CAT = "U0ANA", "U0BEN", "U0CAT"

HOSTILE = [
    "<!channel> <!here|look> <@U0EVE> <#C0X> <https://evil.example|click>",
    "``` end of the fence ```",
    "``\x00` a fence that appears once the NUL is gone ``\u200b`",
    "&&&&<<<<>>>>" * 700,
    "x" * 5000,
    "a\n" * 3000,
    "nul \x00 bell \x07 escape \x1b[31m delete \x7f",
    "\u202egnp.exe\u202c \u2066 \ufeff \U000e0041",
    "half \ud83d and \udc00",
    "*bold* _it_ ~no~ > quote\n> quote",
    "\u2028\u2029\x85\x0b\x0c",
    "   \n\t ",
    "",
    "{title} %s {{service_name}}",
]
WILD = (
    st.sampled_from(HOSTILE)
    | st.text(st.characters(codec=None), max_size=120)
    | st.tuples(st.sampled_from(HOSTILE), st.text("<>&`\n\x00 ab", max_size=60)).map("".join)
)
WILD_LISTS = st.lists(WILD, max_size=12).map(tuple)

# What we write ourselves: people, times, links to addresses.
_OURS = re.compile(
    r"<@[UW][A-Z0-9]*>|<#C[A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>"
    r"|<!date\^-?\d+\^\{date_short_pretty\} \{time\}"
    r"\|\d\d\.? [A-Z][a-zä]+ \d{4} \d\d:\d\d UTC>"
    r"|<!date\^-?\d+\^\{date_short\}\|\d\d\.? [A-Z][a-zä]+ \d{4}>"
    r"|<https?://[^\s<>|]+\|[A-Za-zäöü0-9.:\[\]\- ]+>"
)
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def incident(**changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": 142,
        "incident_key": "prod|checkout-api|errors|critical",
        "sop_id": "sop_5616d3719856",
        "status": IncidentStatus.OPEN,
        "severity": Severity.CRITICAL,
        "title": "checkout-api error rate above 5 %",
        "env": "prod",
        "region": "eu-west-1",
        "service": "checkout-api",
        "category": "errors",
        "channel": "C0ALERTS",
        "source": "alertmanager",
        "alert_count": 14,
        "firing": 1,
        "value": "7.8 %",
        "threshold": "5 %",
        "text": "",
        "labels": {},
        "links": (Hyperlink("Graph", "https://graphs.example/d/1"),),
        "tracking_id": "req-20261121-030412-9f2c1ab0",
        "opened_at": NOW,
        "updated_at": NOW,
        "acknowledged_at": None,
        "acknowledged_by": "",
        "resolved_at": None,
        "resolved_by": "",
        "fixed_by": "",
    }
    return Incident(**{**fields, **changes})


def acknowledged(**changes: Any) -> Incident:
    return incident(
        status=IncidentStatus.ACKNOWLEDGED,
        acknowledged_at=NOW + timedelta(minutes=2),
        acknowledged_by=ANA,
        **changes,
    )


def resolved(by: str = "", **changes: Any) -> Incident:
    return incident(
        status=IncidentStatus.RESOLVED,
        resolved_at=NOW + timedelta(minutes=65),
        resolved_by=by,
        firing=0,
        **changes,
    )


def proposal(**changes: Any) -> Proposal:
    fields: dict[str, Any] = {
        "action_id": "service.restart",
        "title": "Restart checkout-api",
        "target": "checkout-api-3",
        "parameters": (
            Parameter("target", "checkout-api-3", "alert label container"),
            Parameter("grace_seconds", 30, "asked by @U0CAT"),
        ),
        "risk": "medium",
        "reversible": "no",
        "intent": "restart the service",
    }
    return Proposal(**{**fields, **changes})


def approval(**changes: Any) -> Approval:
    fields: dict[str, Any] = {
        "id": "0123456789abcdef" * 2,
        "incident_id": 142,
        "proposal": proposal(),
        "preview": Preview("docker restart -t 30 checkout-api-3", "sha256:1", "1 container"),
        "state": RemediationStatus.AWAITING_APPROVAL,
        "requested_by": CAT,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
        "needed": 2,
        "approvers": (ANA, BEN, CAT),
        "digest": "digest",
        "decided_by": "",
        "decided_at": None,
        "reason": None,
        "votes": (),
    }
    return Approval(**{**fields, **changes})


def vote(user: str, choice: Choice = Choice.APPROVE) -> Vote:
    return Vote(user, choice, NOW + timedelta(minutes=1))


def execution(**changes: Any) -> Execution:
    fields: dict[str, Any] = {
        "id": "exec-1",
        "approval_id": "0123456789abcdef" * 2,
        "incident_id": 142,
        "state": RemediationStatus.SUCCEEDED,
        "owner": "bot-a",
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=2.4),
        "answer": {"command": "docker restart checkout-api-3", "exit_code": 0, "stdout": "done"},
        "error": "",
        "verify_until": NOW + timedelta(minutes=5),
        "verify_note": "",
    }
    return Execution(**{**fields, **changes})


# What Slack would say


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    """Every text a person reads, in order."""
    return [item["text"] for item in _walk(blocks) if isinstance(item.get("text"), str)]


def shown(blocks: list[dict[str, Any]]) -> str:
    """All of it in one string."""
    return "\n".join(texts(blocks))


def buttons(blocks: list[dict[str, Any]]) -> list[str]:
    """The visible texts of the buttons."""
    return [item["text"]["text"] for item in _walk(blocks) if item.get("type") == "button"]


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def assert_slack_takes(text: str, blocks: list[dict[str, Any]], surface: str = "message") -> None:
    """Within every limit, nothing in it obeyed, nothing in it unencodable, every id ours."""
    refuse_blocks(blocks, surface=surface)
    for block in blocks:
        parsed = SlackBlock.parse(block)
        assert parsed is not None
        parsed.to_dict()
    assert text.strip()
    assert len(text) <= 3900, "the outbox cuts there"
    json.dumps([text, blocks], ensure_ascii=False).encode()
    for item in _walk(blocks):
        if "action_id" in item:
            assert item["action_id"].startswith("sopbot.")
        if item.get("type") == "mrkdwn":
            assert_obeys_nothing(item["text"])
    assert_obeys_nothing(text)


def assert_obeys_nothing(text: str) -> None:
    """No `<…>` of a stranger, every `&` a whole entity, every code fence closed."""
    assert not _UNSHOWABLE.search(text)
    rest = _OURS.sub("", text)
    assert "<" not in rest
    assert ">" not in rest.replace("\n> ", "\n").removeprefix("> ")
    assert not re.search(r"&(?!amp;|lt;|gt;)", rest)
    assert rest.count("```") % 2 == 0
