"""Texts of earlier incidents are found again, without those that the incident has already."""

from __future__ import annotations

import json
import threading

import pytest

from bot.configuration import Configuration
from bot.enrichment.model import KnownFact
from bot.incidents.model import Incident
from bot.incidents.sops import Sop, SopLibrary
from bot.response import memory
from bot.retrieval.markdown import Document
from store.operations.advice_context import AdviceContext
from tests.helpers.builders import ANA, NOW, alert, deliver, open_incident
from tests.helpers.incident_bench import Bench

SOP = {
    "sop_id": "sop_mail",
    "keys": ["svc:mailer"],
    "title": "Mail queue grows",
    "fix_action": ["Restart the consumer of the mail queue, then watch how the queue shrinks."],
}
LESSON = "The mail queue grows while the consumer waits for a lock of the database."
POSTMORTEM = "# INC-1\n\n## Summary\n\n> The mail queue grew\\: its **consumer** waited.\n"


async def about_the_mail_queue(bench: Bench, service: str) -> AdviceContext:
    number = await deliver(
        bench.store,
        alert(
            service=service,
            name="QueueLong",
            title="The mail queue grows",
            text="No consumer of the mail queue works.",
            fingerprint=service,
            category="queue",
        ),
    )
    return await bench.store.advice_context(number)


async def found_texts(bench: Bench, context: AdviceContext, *cited: str) -> dict[str, str]:
    earlier = [KnownFact("Lesson", "lesson of INC-1", text, NOW) for text in cited]
    facts = await bench.service.advice_queue._enrichment._memory.facts_about(context, earlier)
    return {f"{fact.source}: {fact.name}": fact.text for fact in facts}


async def test_sops_lessons_and_post_mortems_of_other_incidents_are_found(bench: Bench) -> None:
    context = await about_the_mail_queue(bench, "other")
    assert await found_texts(bench, context) == {}, (
        "it searches nothing before the runbooks are read"
    )
    bench.service.advice_queue._enrichment._memory.wait = 60  # on a machine that does much else
    library = bench.service.advice_queue._enrichment._memory._library
    await library.load()
    assert await found_texts(bench, context) == {}

    sops = SopLibrary.load([("all.jsonl", json.dumps(SOP))])
    bench.service.config.current = Configuration(sops=sops)
    first = {"SOP: Mail queue grows (sop_mail)": SOP["fix_action"][0]}
    assert await found_texts(bench, context) == first, "what a reload brought is found"
    mail = await about_the_mail_queue(bench, "mailer")
    bench.service.config.current = Configuration()

    incident: Incident = await open_incident(bench.store)
    kept = await bench.store.add_lesson(incident.id, "MailQueue", LESSON, ANA, "key", NOW)
    assert await found_texts(bench, mail) == {f"Lesson: lesson of {incident.number}": LESSON}
    assert await found_texts(bench, mail, LESSON) == {}, "it is cited already, by its alert's name"
    own = await bench.store.advice_context(incident.id)
    assert f"Lesson: lesson of {incident.number}" not in await found_texts(bench, own)
    await bench.store.remove_lesson(kept.id, ANA, NOW)
    assert await found_texts(bench, mail) == {}, "a wrong one is removed"

    await bench.store.add_postmortem(incident.id, 1, POSTMORTEM, ANA, "press", NOW, exported=False)
    assert await found_texts(bench, mail) == {}, "it is of another service"
    same = await about_the_mail_queue(bench, incident.service)
    assert await found_texts(bench, same) == {
        f"Post-mortem: {incident.number}: Summary": "The mail queue grew: its consumer waited."
    }
    await library.close()


async def test_reading_many_texts_holds_nobody_up_and_half_a_sign_breaks_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = []
    document_of_sop = memory.document_of_sop

    def read(sop: Sop) -> Document:
        readers.append(threading.current_thread())
        return document_of_sop(sop)

    monkeypatch.setattr(memory, "document_of_sop", read)
    searched = bench.service.advice_queue._enrichment._memory
    searched.wait = 60
    await searched._library.load()
    # As JSON that was cut in the middle of an emoji.
    halved = SOP | {
        "title": "Mail queue grows \ud83d",
        "fix_action": [f"{SOP['fix_action']} \ud83d"],
    }
    bench.service.config.current = Configuration(
        sops=SopLibrary.load([("all.jsonl", json.dumps(halved))])
    )
    context = await about_the_mail_queue(bench, "other")
    (name,) = await found_texts(bench, context)
    assert name == "SOP: Mail queue grows ? (sop_mail)"
    assert readers
    assert threading.main_thread() not in readers
    await searched._library.close()
