"""`python -m bot replay`: a stream of alerts becomes incidents, by the rules that run live."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bot.policy import parse_policy
from bot.replay import stream
from bot.replay_command import commands
from tests.helpers.bot_processes import completed
from tests.helpers.commands import environment
from tests.helpers.filled_stores import ROOT


def alertmanager(
    status: str = "firing", *, service: str = "shop", ends_at: str = "0001-01-01T00:00:00Z"
) -> dict[str, Any]:
    labels = {"alertname": "HighErrorRate", "service": service, "env": "prod"}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-11-27T08:59:00Z",
        "endsAt": ends_at,
        "fingerprint": f"f-{service}",
    }
    return {"version": "4", "status": status, "alerts": [alert]}


def line(at: str, body: Any, *, receiver: str = "http", source: str = "alertmanager") -> str:
    return json.dumps({"at": f"2026-11-27T{at}Z", "door": receiver, "source": source, "body": body})


def write(folder: Path, lines: Iterable[str]) -> Path:
    file = folder / "stream.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def run(folder: Path, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return completed(["replay", "--file", str(file), *options], environment({}), folder)


def replay(folder: Path, lines: Iterable[str]) -> tuple[list[Any], dict[int, Any]]:
    done = run(folder, write(folder, lines), "--json")
    assert done.returncode == 0, done.stderr
    *shown, last = [json.loads(text) for text in done.stdout.splitlines()]
    return shown, {incident["id"]: incident for incident in last["incidents"]}


def test_each_alert_names_its_incident_its_rule_and_whether_it_opened_it(tmp_path: Path) -> None:
    both = {
        "version": "4",
        "alerts": [*alertmanager()["alerts"], *alertmanager(service="cart")["alerts"]],
    }
    shown, incidents = replay(
        tmp_path,
        [
            line("09:00:00", both),
            line("09:05:00", alertmanager("resolved", ends_at="2026-11-27T09:05:00Z")),
        ],
    )
    assert [entry["index"] for entry in shown] == [0, 1]
    first, second = shown[0]["alerts"]
    assert (first["opened"], second["opened"]) == (True, True)
    assert first["incident"] != second["incident"]
    assert set(first) == {"incident", "parent", "rule", "opened", "suppressed"}
    (resolve,) = shown[1]["alerts"]
    assert resolve["incident"] == first["incident"]
    assert resolve["rule"] == "same fingerprint"
    closed = incidents[first["incident"]]
    assert closed["closed_at"] == "2026-11-27T09:05:00Z"
    assert (closed["alerts"], closed["posts"]) == (2, 1)
    assert closed["sop_id"].startswith("sop_")


def test_a_reminder_and_a_redelivered_message_belong_to_the_incident_that_they_repeat(
    tmp_path: Path,
) -> None:
    message = {"text": "[FIRING] shop is down", "bot_id": "B1", "ts": "1795341660.000100"}
    shown, incidents = replay(
        tmp_path,
        [
            line("09:00:00", alertmanager()),
            line("09:05:00", alertmanager()),
            line("09:06:00", message, receiver="slack"),
            line("09:06:01", message, receiver="slack"),
        ],
    )
    (first,), (reminder,), (posted,), (redelivered,) = (entry["alerts"] for entry in shown)
    assert reminder["incident"] == first["incident"]
    assert not reminder["opened"]
    assert redelivered["incident"] == posted["incident"]
    assert not redelivered["opened"]
    assert sum(incident["posts"] for incident in incidents.values()) == len(incidents)


def test_two_messages_without_a_ts_are_two_messages(tmp_path: Path) -> None:
    texts = ("[FIRING] shop is down", "[FIRING] cart is slow")
    shown, _ = replay(
        tmp_path,
        [line("09:00:00", {"text": text}, receiver="slack", source="uptime") for text in texts],
    )
    assert [entry["alerts"][0]["opened"] for entry in shown] == [True, True]


def test_time_passes_between_the_lines_and_after_the_last_one(tmp_path: Path) -> None:
    shown, incidents = replay(
        tmp_path,
        [
            line("09:00:00", alertmanager()),
            line("15:00:00", alertmanager(service="cart")),
        ],
    )
    first, second = (entry["alerts"][0]["incident"] for entry in shown)
    assert "2026-11-27T10:59:00Z" <= incidents[first]["closed_at"] <= "2026-11-27T11:02:00Z"
    assert "2026-11-27T16:59:00Z" <= incidents[second]["closed_at"] <= "2026-11-27T17:02:00Z"


def test_a_child_of_a_cascade_names_its_parent_and_has_no_post(tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text("services: {shop: {depends_on: [cart]}, cart: {}}\n")
    lines = [line("09:00:00", alertmanager(service="cart")), line("09:01:00", alertmanager())]
    file = write(tmp_path, lines)
    done = run(tmp_path, file, "--json", "--services", str(tmp_path / "services.yaml"))
    assert done.returncode == 0, done.stderr
    _, shown, last = [json.loads(text) for text in done.stdout.splitlines()]
    root, child = last["incidents"]
    assert shown["alerts"][0]["parent"] == root["id"] == child["parent"]
    assert (root["parent"], root["posts"], child["posts"]) == (None, 1, 0)


def test_a_bad_line_is_named_and_the_rest_is_played(tmp_path: Path) -> None:
    lines = [
        "rubbish",
        line("09:00:00", alertmanager()),
        '{"at": "yesterday", "door": "http", "body": {}}',
        line("09:00:00", {}, receiver="window"),
        line("09:00:01", {"alerts": [{}] * 501}),
        line("09:00:02", alertmanager(service="cart")),
    ]
    file = write(tmp_path, lines)
    done = run(tmp_path, file, "--json")
    assert done.returncode == 1
    for number, reason in ((1, "not JSON"), (3, "at:"), (4, "door:"), (5, "501 alerts")):
        assert any(
            text.startswith(f"{file}:{number}: ") and reason in text
            for text in done.stderr.splitlines()
        ), done.stderr
    *shown, last = [json.loads(text) for text in done.stdout.splitlines()]
    assert [entry["index"] for entry in shown] == list(range(6))
    assert len(last["incidents"]) == 2


@pytest.mark.attack("ASI08")
def test_a_line_without_end_and_a_stream_of_centuries_are_left_out(tmp_path: Path) -> None:
    long = line("09:00:00", {"text": "x" * stream.LONGEST_LINE}, receiver="slack")
    late = json.dumps({"at": "9999-01-01T00:00:00Z", "door": "http", "source": "x", "body": {}})
    file = write(tmp_path, [long, line("09:00:00", alertmanager()), late, "[" * 100_000])
    done = run(tmp_path, file, "--json")
    assert done.returncode == 1
    assert f"{file}:1: the line is over" in done.stderr
    assert f"{file}:3: at: " in done.stderr
    assert f"{file}:4: not JSON" in done.stderr
    assert len(json.loads(done.stdout.splitlines()[-1])["incidents"]) == 1


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize("path", ["/dev/zero", "/nowhere/stream.jsonl", "."])
def test_what_is_no_regular_file_is_refused_in_one_line(tmp_path: Path, path: str) -> None:
    done = run(tmp_path, Path(path), "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_replay_writes_nothing_and_asks_for_no_setting(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    file = write(tmp_path, [line("09:00:00", alertmanager())])
    done = run(folder, file)
    assert done.returncode == 0, done.stderr
    assert "INC-1" in done.stdout
    assert list(folder.iterdir()) == []


def test_a_policy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, [line("09:00:00", alertmanager())])
    (tmp_path / "bad.yaml").write_text("correlate: {no_such_key: 1}\n")
    done = run(tmp_path, file, "--policy", str(tmp_path / "bad.yaml"))
    assert done.returncode == 1
    assert "no_such_key" in done.stderr


def test_the_shipped_policy_can_be_replayed(tmp_path: Path) -> None:
    file = write(tmp_path, [line("09:00:00", alertmanager())])
    done = run(tmp_path, file, "--json", "--policy", str(ROOT / "config/policy.yaml"))
    assert done.returncode == 0, done.stderr


# Attention: who would be called, and asked


async def test_it_says_how_often_people_would_be_mentioned_and_asked(tmp_path: Path) -> None:
    """Nobody acknowledges the critical incident, or decides on its SOP's action."""
    sop = {
        "sop_id": "sop_shop",
        "keys": ["svc:shop"],
        "priority": "HIGH",
        "actions": [{"action": "service.restart", "parameters": {"target": "shop"}}],
    }
    (tmp_path / "sops").mkdir()
    (tmp_path / "sops" / "all.jsonl").write_text(json.dumps(sop) + "\n")
    body = alertmanager()
    body["alerts"][0]["labels"]["severity"] = "critical"
    file = write(tmp_path, [line("09:00:00", body), line("09:20:00", alertmanager("resolved"))])

    async def calls(policy: str, sops: Path | None = None) -> tuple[int, int]:
        parsed = parse_policy(policy, file="policy.yaml")
        [incident] = (await commands.replay(file, parsed, sop_dir=sops)).incidents
        assert incident.posts == 1
        return incident.pages, incident.requests

    approvers = "remediate: {approvers: [U0ANA]}\n"
    assert await calls(approvers, tmp_path / "sops") == (2, 1)
    assert await calls(approvers) == (1, 0)
    assert await calls(approvers + "notify: {unanswered_seconds: 0}") == (0, 0)
    assert await calls("remediate: {propose_from_sop: false}", tmp_path / "sops") == (0, 0)


async def test_a_mistake_in_the_sops_of_a_replay_is_named(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text("{}\n")
    file = write(tmp_path, [line("09:00:00", alertmanager())])
    done = run(tmp_path, file, "--sops", str(tmp_path))
    assert done.returncode == 1
    assert "all.jsonl:1" in done.stderr
    assert "Traceback" not in done.stderr
