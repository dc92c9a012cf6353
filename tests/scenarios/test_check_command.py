"""`python -m bot check` names what is wrong, and changes nothing."""

from __future__ import annotations

import pytest

from bot.check import check
from tests.helpers.bot_processes import run_bot
from tests.scenarios.world import ALERTS, SECRET, World, environ

# check


async def checked(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **changes: str | None,
) -> tuple[int, str]:
    """`python -m bot check` in this process: (exit code, what it printed)."""
    monkeypatch.chdir(world.folder)
    for name, value in environ(world.settings(), **changes).items():
        monkeypatch.setenv(name, value)
    code = await check()
    out = capsys.readouterr().out
    for secret in (world.slack.bot_token, world.slack.app_token, SECRET):
        assert secret not in out
    return code, out


async def test_check_as_a_command_is_all_green_in_a_world_that_works(world: World) -> None:
    code, out, err = await run_bot("check", settings=world.settings(), folder=world.folder)
    assert (code, err) == (0, "")
    lines = out.strip().splitlines()
    assert lines[-1] == "✓ Ready to run."
    for name in (
        "settings",
        "policy",
        "sops",
        "slack",
        "approvers",
        "socket",
        "channels",
        "gateway",
        "targets",
        "advisor",
        "store",
    ):
        assert any(line.startswith(f"✓ {name} ") for line in lines), name
    assert "2 may approve" in out
    assert "1 loaded from" in out
    assert "offers 6 actions" in out


@pytest.mark.parametrize(
    ("approvers", "required", "says"),
    [
        (["U0NOBODY99"], 1, "U0NOBODY99: Slack does not know it (user_not_found)"),
        (["U0GUEST001"], 1, "U0GUEST001: guests never count"),
        (["S0NOBODY99"], 1, "S0NOBODY99: Slack does not know it"),
        (["U0BEN00001"], 2, "approvals_required: needs 2 approvers, and names 1"),
    ],
)
@pytest.mark.one_engine
async def test_check_asks_slack_about_everybody_who_may_approve(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    approvers: list[str],
    required: int,
    says: str,
) -> None:
    world.write_policy(*approvers, approvals_required=required)
    code, output = await checked(world, monkeypatch, capsys)
    assert code == 1
    assert says in output


@pytest.mark.one_engine
async def test_check_without_settings_names_each_that_is_missing(world: World) -> None:
    code, out, _ = await run_bot("check", settings={}, folder=world.folder)
    assert code == 1
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_ALERT_CHANNELS",
        "AI_COMMAND_GATEWAY_URL",
        "AI_COMMAND_GATEWAY_TIMEOUT",
        "AI_COMMAND_GATEWAY_SOURCE_ID",
        "AUDIT_KEY",
    ):
        assert f"{name}: missing; " in out
    assert "docs/settings.md explains each" in out


@pytest.mark.one_engine
async def test_check_names_the_broken_line_of_an_sop_file(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_sops('{"sop_id": "sop_a"}', '{"sop_id": ')
    code, output = await checked(world, monkeypatch, capsys)
    assert code == 1
    assert "✗ sops       all.jsonl:2: not JSON" in output


@pytest.mark.one_engine
async def test_check_warns_that_nobody_may_approve(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_policy()
    code, output = await checked(world, monkeypatch, capsys)
    assert code == 1
    assert "remediate.approvers is empty, so nobody may approve" in output


async def test_check_posts_nothing_and_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await checked(world, monkeypatch, capsys)
    assert world.slack.messages(ALERTS) == []
    methods = {call.method for call in world.slack.calls}
    assert methods <= {"auth.test", "apps.connections.open", "users.info", "conversations.info"}
