"""A model's answer in the thread: its steps become proposals by rules, for a person to approve."""

from __future__ import annotations

import argparse
import asyncio
import json
import re

import pytest

from bot.prompt_command.commands import run
from tests.helpers.answering_advisor import ANSWER, advisor
from tests.helpers.waiting import until
from tests.scenarios.attacks import nothing_ran
from tests.scenarios.starting import StartBot
from tests.scenarios.world import SERVICE, Gateway, World

pytestmark = pytest.mark.one_engine


@pytest.mark.attack("ASI02")
async def test_a_step_is_proposed_on_a_known_target_and_a_person_names_any_other(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops()
    await bot(ADVISOR_COMMAND=advisor(world.folder, ANSWER))
    await world.alert()
    advice = await world.advice("the heap is full")
    assert "Likely cause (high confidence): the heap is full" in advice.text[:200]
    assert "⚠ no source: It leaks since the release. Check that" in advice.text
    assert f"Restart {SERVICE} ← alert: service" in advice.text
    assert "Restart payments-db ← ⚠ from model" in advice.text
    assert {"Propose", "Propose…"} <= set(advice.buttons)

    values = [
        block["accessory"]["value"]
        for block in advice.data["blocks"]
        if block.get("accessory", {}).get("action_id") == "sopbot.propose"
    ]
    assert values == ["1 1", "1 2"], "a button carries no text of the model"
    chloe = world.slack.as_user("chloe")
    await chloe.press(advice, "Propose")
    await world.ephemeral("chloe", f"Proposed: Restart {SERVICE} (needs 1 approval")
    card = await world.approval_card(f"Restart {SERVICE}")
    assert "alert: service" in card.text
    await until(lambda: "Propose" not in world.replies("advice")[0].buttons, why="it waits already")
    await chloe.press(advice, "Propose", stale=True)
    await world.ephemeral("chloe", "awaiting approval already")

    await chloe.press(advice, "Propose…")
    modal = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the box")
    assert "⚠ from model: payments-db" in json.dumps(modal, ensure_ascii=False)
    assert "initial_value" not in json.dumps(modal)
    refused = await chloe.submit(values={"Target": "payments-db"})
    assert "has no target payments-db" in json.dumps(refused.errors)
    assert len(world.replies("approval")) == 1
    await nothing_ran(world, gateway)

    await chloe.press(advice, "Save as lesson…")
    modal = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the box")
    assert json.dumps(modal).count('"initial_value": "the heap is full"') == 1
    await chloe.submit(values={"What should the next person know?": "The heap leaks"})
    await world.reply("steered", "Lesson: The heap leaks")
    await chloe.press(advice, "Write SOP")
    await world.ephemeral("chloe", "The draft of an SOP comes into the thread of INC-1")

    await world.types("/incident ask INC-1 why now?", "chloe")
    newer = await world.advice("the heap is full", which=2)
    former = await world.slack.wait_for(
        lambda: next((m for m in world.replies("advice") if "replaced by a newer" in m.text), None),
        why="the former advice points at the newer",
    )
    assert former.ts == advice.ts
    assert "the heap is full" in former.text, "it can still be read"
    assert f"p{newer.ts.replace('.', '')}" in json.dumps(former.data), "it links to the newer one"
    assert former.buttons == []
    assert "Save as lesson…" in newer.buttons
    assert "Propose…" in newer.buttons
    await world.resolves()
    await until(lambda: "Propose…" not in world.replies("advice")[1].buttons, why="it is over")


@pytest.mark.attack("ASI06")
async def test_the_prompt_command_prints_what_the_advisor_was_sent(
    world: World,
    bot: StartBot,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = world.folder / "release"
    wait = f"import os, time\nwhile not os.path.exists({str(release)!r}): time.sleep(0.02)\n"
    command = advisor(world.folder, ANSWER, before_the_answer=wait)
    await bot(ADVISOR_COMMAND=command)
    await world.alert()
    sent = world.folder / "prompt.txt"
    await until(lambda: sent.exists() and sent.read_text().endswith("numbers."), why="it is asked")
    for name, value in world.settings(ADVISOR_COMMAND=command).items():
        monkeypatch.setenv(name, value)
    await world.card("💭 asking python since")
    status = await asyncio.to_thread(run, argparse.Namespace(incident="inc-1", question=""))
    printed = capsysbinary.readouterr().out.decode()
    missing = await asyncio.to_thread(run, argparse.Namespace(incident="7", question=""))
    bad = await asyncio.to_thread(run, argparse.Namespace(incident="x", question=""))
    assert (status, missing, bad) == (0, 1, 1)
    assert same(printed) == same(sent.read_text())
    assert "HealthCheckFailing" in printed
    assert world.replies("advice") == [], "nothing is posted before the verdict"
    release.touch()
    await world.advice("the heap is full")
    await until(lambda: "💭" not in world.cards()[0].text, why="the card says it no more")
    await world.quiet()
    assert len(world.replies("advice")) == 1, "one unsolicited post of advice an incident"


def same(prompt: str) -> str:
    """The prompt less nonce and time of the question."""
    prompt = re.sub("data-[0-9a-f]{16}", "data-nonce", prompt)
    return re.sub(r'"now": "[^"]+"', '"now": ""', prompt)
