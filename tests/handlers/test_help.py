"""The help of the commands comes from their table, and each page fits a phone screen."""

from __future__ import annotations

import pytest

from handlers.listeners.commands.verbs import INCIDENT, SOP
from handlers.views.help import TITLES, Topic, details, overview

LINES, WIDTH = 16, 45  # of a phone


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
