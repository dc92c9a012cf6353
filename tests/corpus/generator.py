"""Builds a labelled stream of a seed. Each label is what a person would call one fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from tests.corpus import apart, cascades, one_service, platform
from tests.corpus.model import START, LabelledMessage, Scenario, Stream
from tests.corpus.world import EveryServiceTaken, world_of

KINDS: dict[Callable[[Scenario], None], int] = (
    one_service.KINDS | cascades.KINDS | apart.KINDS | platform.KINDS
)

TUNING = (101, 102, 103)
"""Seeds to look into while the rules are changed."""
JUDGING = (901, 902)
"""Seeds that only judge: nobody changes a rule for one of their scenarios."""

BETWEEN = timedelta(minutes=25)  # the mean time between two scenarios; they overlap


def stream_of(seed: int, *, undeclared: float = 0.0, most: int | None = None) -> Stream:
    """Build the stream of a seed, of at most so many scenarios.

    `undeclared` is the share of calls that the catalogue omits.
    """
    random = Random(seed)
    world = world_of(random)
    kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
    random.shuffle(kinds)
    messages: list[LabelledMessage] = []
    start = START
    numbers: dict[str, int] = {}
    for kind in kinds[:most]:
        name = kind.__name__
        numbers[name] = numbers.get(name, 0) + 1
        while True:
            scenario = Scenario(name, numbers[name], start, random, world)
            try:
                kind(scenario)
                break
            except EveryServiceTaken:
                start += timedelta(hours=1)
        messages += scenario.messages
        start += BETWEEN * random.expovariate(1.0) + timedelta(seconds=20)
    messages.sort(key=lambda message: message.at)
    return Stream(messages, world.catalogue(undeclared))
