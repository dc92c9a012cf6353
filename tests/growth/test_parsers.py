"""Every parser takes four times the input in about four times the time at most."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.worst_input import SOURCES, inputs, read
from bot.advice.claims import marked
from bot.advice.cleaning import clean_answer, last_json
from bot.incidents.keys import fingerprint_of, normalise
from bot.incidents.sop_keys import read_key
from bot.intake.drafting import still
from bot.intake.guesses import looks_like_address, looks_like_env, service_of, subject_of
from bot.remediation.contract import capped, printable
from bot.remediation.intents import read_fix
from bot.simulator import Names, to_html
from handlers.views.text import line, paragraph

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.unmeasured]

SMALL, TIMES, MOST = 6_000, 4, 9.0
AT_ONCE = {24: 0.02, 400: 0.04}  # seconds for so many characters; a square takes a tenth of them
SLOW = 0.004  # seconds for 24,000 characters; what takes less is not worth a second look
WORDS = (
    "a",
    "1",
    ".",
    ":",
    "prod-",
    "I just ",
    "now ",
    "a-",
    "`",
    "*",
    "_",
    "[",
    "<a|",
    "\x9d",
    "\x1b]",
    "{",
    '{"a":',
    "```",
    "http://",
    "is ",
    "approval ",
    "  ",
    "A b ",
    "a=",
    "⁠",
    "é",
)


ENDS = ("", "\x01", "x!")
BEFORE_A_RUN = ("I", "I have", "is", "has", "approval", "waiting for", "restart", "a:", "[")


def fix(text: str) -> None:
    try:
        read_fix("restart " + text, user="U1", default_target="web")
    except Exception:  # noqa: BLE001 - how it is refused is another test's business
        return


def key(text: str) -> None:
    read_key("svc:" + "*a" * 12 + "*b").pattern.fullmatch(text)


READERS = {
    "claims": marked,
    "cleaning": clean_answer,
    "json of an answer": lambda text: last_json(text, ("answer",)),
    "gateway output": lambda text: capped(printable(text)),
    "subject": subject_of,
    "environment": looks_like_env,
    "address": looks_like_address,
    "service": lambda text: service_of({"service": text, "app": text}),
    "still": still,
    "fingerprint": lambda text: fingerprint_of("generic", {"a": text}, text),
    "key part": normalise,
    "SOP key": key,
    "words of /incident fix": fix,
    "line of a view": lambda text: line(text, 200),
    "paragraph of a view": lambda text: paragraph(text, 3000),
    "mrkdwn of the local Slack": lambda text: to_html(text, Names()),
}


def cost(work: Any, *arguments: Any) -> float:
    began = time.thread_time()
    work(*arguments)
    return time.thread_time() - began


def growth(work: Any, small: tuple[Any, ...], large: tuple[Any, ...]) -> float:
    """The ratio of the two durations: the least of a few tries, for a busy machine."""
    if cost(work, *large) < SLOW:
        return 0.0
    ratios = []
    for _ in range(4):
        least = min(cost(work, *small) for _ in range(5))
        ratios.append(cost(work, *large) / max(least, 1e-6))
        if ratios[-1] <= MOST:
            break
    return min(ratios)


def units() -> Iterator[tuple[str, str, str]]:
    """(beginning, repeated, end) of the texts: also words before a long run of white space."""
    for unit, end in itertools.product(WORDS, ENDS):
        yield "", unit, end
    for begin, end in itertools.product(BEFORE_A_RUN, ENDS):
        yield begin, " ", end


@pytest.mark.parametrize("name", READERS)
def test_a_short_text_takes_no_million_steps(name: str) -> None:
    """A parser that grows with a high power would hold up the measurement below."""
    for size, seconds in AT_ONCE.items():
        for begin, unit, end in units():
            text = begin + unit * (size // len(unit)) + end
            took = min(cost(READERS[name], text) for _ in range(3))
            assert took <= seconds, f"{size} characters: {begin!r} + {unit!r} * n + {end!r}"


@pytest.mark.parametrize("name", READERS)
def test_a_text_four_times_as_long_takes_about_four_times_as_long(name: str) -> None:
    for begin, unit, end in units():
        small = begin + unit * (SMALL // len(unit)) + end
        large = begin + unit * (TIMES * SMALL // len(unit)) + end
        how = f"{begin!r} + {unit!r} * n + {end!r}"
        assert growth(READERS[name], (small,), (large,)) <= MOST, how


@pytest.mark.parametrize("source", [*SOURCES, "slack"])
def test_a_body_four_times_as_large_takes_about_four_times_as_long(source: str) -> None:
    for (how, small), (_, large) in zip(
        inputs(source, SMALL), inputs(source, SMALL * TIMES), strict=True
    ):
        assert growth(read, (source, small), (source, large)) <= MOST, how


HEADLINES = ("title", "author_name", "pretext", "text", "fallback")


def of_many_headlines(unit: str, characters: int) -> dict[str, Any]:
    """200 attachments of five texts of so many characters."""
    text = (unit * characters)[:characters]
    return {"bot_id": "B1", "attachments": [dict.fromkeys(HEADLINES, text)] * 200}


def of_much_rich_text(unit: str, characters: int) -> dict[str, Any]:
    """200 texts of one paragraph, each of five times so many characters."""
    fields = {"type": "text", "text": (unit * 5 * characters)[: 5 * characters]}
    section = {"type": "rich_text_section", "elements": [fields] * 200}
    return {"bot_id": "B1", "blocks": [{"type": "rich_text", "elements": [section]}]}


@pytest.mark.parametrize("made", [of_many_headlines, of_much_rich_text])
@pytest.mark.parametrize("unit", ["[[", "[a", "[a] [", "><", "<a>", "\x1b[", "\n\n", "a:"])
def test_many_texts_four_times_as_long_take_about_four_times_as_long(made: Any, unit: str) -> None:
    small, large = made(unit, 1_000 // TIMES), made(unit, 1_000)  # the large one has 1 MiB
    assert growth(read, ("slack", small), ("slack", large)) <= MOST
