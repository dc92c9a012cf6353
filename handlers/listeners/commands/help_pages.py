"""Answers `help`, from the table of commands."""

from __future__ import annotations

from bot.errors import InputError
from bot.language import deferred
from handlers.listeners.commands.call import Call
from handlers.views import help as help_view
from handlers.views.text import typed


async def show(call: Call, rest: str) -> str:
    """Every verb by topic; or the lines of one topic, or of one verb."""
    command = call.line.partition(" ")[0]
    word = rest.partition(" ")[0].lower()
    if not word:
        return help_view.overview(command, call.verbs)
    chosen = {name: verb for name, verb in call.verbs.items() if name == word or verb.topic == word}
    if not chosen:
        topics = ", ".join(dict.fromkeys(verb.topic for verb in call.verbs.values()))
        raise InputError(
            deferred("There is no help on {rest}.", rest=typed(rest)),
            remedy=deferred("Topics: {topics}, or any command.", topics=topics),
        )
    title = help_view.TITLES[help_view.Topic(word)] if word in help_view.TITLES else word
    return help_view.details(command, title, chosen)
