"""Answers `help`, from the table of commands."""

from __future__ import annotations

from bot.errors import InputError
from bot.language import deferred
from handlers.listeners.commands.call import Call, Verb
from handlers.listeners.commands.meanings import BUTTONS, meant_by, where_votes_are
from handlers.views import help as help_view
from handlers.views.text import typed


async def show(call: Call, rest: str) -> str:
    """Every verb by topic; or the lines of one topic, or of one verb."""
    command = call.line.partition(" ")[0]
    word, _sep, more = rest.lower().strip().partition(" ")
    if not word:
        return help_view.overview(command, call.verbs)
    if word in help_view.TITLES and (verbs := _of_topic(call, word)):
        return help_view.details(command, help_view.TITLES[help_view.Topic(word)], verbs)
    if word in call.verbs:
        return help_view.details(command, word, {word: call.verbs[word]})
    if meant := meant_by(word, more, call.verbs, likeness=0.8).partition(" ")[0]:
        return help_view.synonym(typed(rest), command, meant, call.verbs[meant])
    topics = deferred(
        "Topics: {topics}, or any command.",
        topics=", ".join(dict.fromkeys(verb.topic for verb in call.verbs.values())),
    )
    raise InputError(
        deferred("There is no help on {rest}.", rest=typed(rest)),
        remedy=where_votes_are(topics) if word in BUTTONS and "fix" in call.verbs else topics,
    )


def _of_topic(call: Call, topic: str) -> dict[str, Verb]:
    return {name: verb for name, verb in call.verbs.items() if topic in (name, verb.topic)}
