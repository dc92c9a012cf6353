"""What was said and done, as entries to print."""

from bot.demo.printing import Said
from bot.demo.story import CHANNEL, Story
from bot.simulator import Message
from handlers.outbound.metadata import kind_of


def entries(story: Story) -> list[Said]:
    """Everything in the channel and its threads, with what people did there."""
    slack = story.world.slack
    said = list(story.deeds)
    for message in slack.messages(CHANNEL):
        if message.data.get("subtype") == "thread_broadcast":
            continue  # it stands in the thread
        said.append(_entry(message, depth=0))
        said += [_entry(reply, depth=1) for reply in slack.thread(CHANNEL, message.ts)]
    return said


def _entry(message: Message, *, depth: int) -> Said:
    kind = kind_of(message.metadata.get("event_type"))
    name = str(message.data.get("username") or "sopbot")
    changed = " (as it stands at the end)" if "edited" in message.data else ""
    return Said(
        float(message.ts), f"{name}{', ' + kind if kind else ''}{changed}", message.text, depth
    )
