"""Turns messages and people's actions into entries to print."""

from bot.demo.printing import Entry
from bot.demo.scenario import CHANNEL, Scenario
from bot.simulator import Message
from handlers.outbound.metadata import kind_of


def entries(scenario: Scenario) -> list[Entry]:
    """Return everything in the channel and its threads, with people's actions there."""
    slack = scenario.world.slack
    result = list(scenario.deeds)
    for message in slack.messages(CHANNEL):
        if message.data.get("subtype") == "thread_broadcast":
            continue  # it is printed with the thread
        result.append(_entry(message, depth=0))
        result += [_entry(reply, depth=1) for reply in slack.thread(CHANNEL, message.ts)]
    return result


def _entry(message: Message, *, depth: int) -> Entry:
    kind = kind_of(message.metadata.get("event_type"))
    name = str(message.data.get("username") or "sopbot")
    changed = " (as it stands at the end)" if "edited" in message.data else ""
    return Entry(
        float(message.ts), f"{name}{', ' + kind if kind else ''}{changed}", message.text, depth
    )
