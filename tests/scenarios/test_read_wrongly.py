"""A person says that a message was read wrongly: it is kept as a case that can be replayed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from bot.__main__ import main
from tests.scenarios.http_caller import firing, webhook
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

pytestmark = pytest.mark.one_engine

SECRET = "hunter2-of-the-quay"
SHORTCUT = "sopbot.read_wrongly"


async def test_the_shortcut_says_what_was_read_and_keeps_a_case_without_secrets(
    world: World,
    bot: StartBot,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await bot()
    message = await world.slack.post_as_app(
        "Pump watch", ALERTS, f"Pump 3 leaks in prod\npassword={SECRET}\nSeverity: high"
    )
    await world.card("Pump 3 leaks")
    await world.slack.as_user("ana").shortcut(SHORTCUT, message)
    answer = await world.ephemeral("ana", "Kept as case 1")
    assert "title: Pump 3 leaks in prod (title)" in answer
    assert "severity: high (label" in answer
    assert SECRET not in str(world.rows("SELECT payload FROM reading_cases")[0]["payload"])

    monkeypatch.setenv("STORE_URL", world.store.url)
    assert main(["sources", "cases"]) == 0
    assert "slack  generic" in capsys.readouterr().out
    assert main(["sources", "cases", "1"]) == 0
    file = tmp_path / "case.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert SECRET not in file.read_text(encoding="utf-8")
    assert await asyncio.to_thread(main, ["sources", "try", str(file), "--json"]) == 0
    first, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["alerts"][0]["title"] == "Pump 3 leaks in prod"
    assert main(["sources", "cases", "7"]) == 1


async def test_on_the_bots_card_the_case_is_the_newest_alert_that_came_by_http(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    url = (await bot()).http_url
    async with http.post(f"{url}/alerts/alertmanager", json=webhook(firing("search"))) as answer:
        assert answer.status == 202
    card = await world.card("search")
    await world.quiet()
    for _ in range(2):
        await world.slack.as_user("ana").shortcut(SHORTCUT, card)
    assert "source: alertmanager" in await world.ephemeral("ana", "Kept as case 1")
    [row] = world.rows("SELECT intake, source, payload FROM reading_cases")
    assert (row["intake"], row["source"]) == ("http", "alertmanager")
    assert "search" in row["payload"]


@pytest.mark.attack("ASI03")
async def test_a_guest_and_a_persons_message_are_refused(world: World, bot: StartBot) -> None:
    await bot()
    message = await world.slack.post_as_app("Pump watch", ALERTS, "Pump 3 leaks")
    await world.card("Pump 3 leaks")
    typed = await world.slack.as_user("ana").say(ALERTS, "the pump leaks again")
    await world.slack.as_user("ana").shortcut(SHORTCUT, typed)
    await world.ephemeral("ana", "a person wrote this")
    await world.slack.as_user("guest").shortcut(SHORTCUT, message)
    await world.ephemeral("guest", "guests may not")
    assert world.rows("SELECT 1 FROM reading_cases") == []
