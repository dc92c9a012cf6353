"""The help of the commands comes from their table, and each page fits a phone screen."""

from __future__ import annotations

import pytest

from handlers.listeners.commands import unknown
from handlers.listeners.commands.meanings import BUTTONS, MEANT, MEANT_PHRASES
from handlers.listeners.commands.verbs import INCIDENT, SOP
from handlers.views.help import TITLES, Topic, details, overview

LINES, WIDTH = 20, 45  # of a phone


def lines_on_a_phone(text: str) -> int:
    return sum(-(-len(line) // WIDTH) for line in text.splitlines())


@pytest.mark.parametrize(("command", "verbs"), [("/incident", INCIDENT), ("/sop", SOP)])
def test_the_first_page_names_every_verb_on_one_phone_screen(command, verbs) -> None:
    text = overview(command, verbs)
    assert [name for name in verbs if f"`{name}`" not in text] == []
    assert lines_on_a_phone(text) <= LINES


@pytest.mark.parametrize("topic", Topic)
def test_a_topic_says_of_each_of_its_verbs_what_to_type_and_what_it_does(topic) -> None:
    command, table = ("/sop", SOP) if topic is Topic.SOPS else ("/incident", INCIDENT)
    verbs = {name: verb for name, verb in table.items() if verb.topic is topic}
    text = details(command, TITLES[topic], verbs)
    assert verbs, "a topic without a verb"
    for verb in verbs.values():
        assert f"`{command} {verb.usage}`   {verb.help}" in text
    assert lines_on_a_phone(text) <= LINES


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("acknowledge 7 8", "ack 7 8"),
        ("resovle INC-7", "resolve INC-7"),
        ("akc 7", "ack 7"),
        ("Close inc7", "resolve inc7"),
        ("inc-7", "show inc-7"),
        ("evidence 7", "ask 7"),
        ("take 7", "ack 7"),
        ("Take over INC-7", "assign INC-7 me"),
        ("takeover 7", "assign 7 me"),
        ("hand over @ben", "handover @ben"),
        ("last time checkout", "list resolved checkout"),
        ("last", "list resolved"),
        ("juggle", ""),
        ("<!channel>", ""),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest_command(typed: str, meant: str) -> None:
    word, _, rest = typed.partition(" ")
    text = str(unknown("/incident", word.lower(), rest, INCIDENT))
    assert text.endswith("`/incident help` lists the commands.")
    assert (f"Did you mean `/incident {meant}`?" in text) if meant else ("mean" not in text)


@pytest.mark.parametrize("word", sorted(BUTTONS))
def test_a_word_for_a_vote_is_answered_with_where_its_button_is(word: str) -> None:
    text = str(unknown("/incident", word, "INC-7", INCIDENT))
    assert "are buttons of the approval" in text
    assert "Did you mean" not in text
    assert "buttons" not in str(unknown("/sop", word, "INC-7", SOP))
    assert not BUTTONS & {*INCIDENT, *MEANT}


def test_every_word_of_another_tool_leads_to_a_verb_and_is_none_itself() -> None:
    assert set(MEANT.values()) <= set(INCIDENT)
    assert not set(MEANT) & set(INCIDENT)
    phrases = {phrase.split()[0] for phrase in MEANT_PHRASES}
    assert not phrases & set(INCIDENT)
    assert {command.split()[0] for command in MEANT_PHRASES.values()} <= set(INCIDENT)
