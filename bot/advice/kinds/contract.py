"""The contract of every kind of advisor: a prompt in, an answer or an AdvisorError out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Schema = Mapping[str, Any]
"""A JSON schema that the answer has to follow; the prompt asks for the same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A usable answer: cleaned text, never blank.

    `name` is the advisor's name for people, `seconds` the time of all tries together. `cut` is the
    advisor's word for why the answer ends early ("max_tokens"), '' if it says that the answer is
    whole, or says nothing. `tokens` are those of prompt and answer, None if the advisor does not
    count; `input_tokens` and `output_tokens` are its two parts, where it tells them apart.
    `provider` and `model` name the model for traces. `failures` says of each advisor that was asked
    before this one why it did not answer.
    """

    text: str
    name: str = ""
    seconds: float = 0.0
    cut: str = ""
    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider: str = ""
    model: str = ""
    failures: tuple[str, ...] = ()


class AdvisorKind(Protocol):
    """One advisor. Tries, pauses and the order among several are the chain's (`bot.advice.chain`).

    An AdvisorError of any method has a FailureKind as its `kind`, the remedy, and no secret.
    """

    @property
    def name(self) -> str:
        """Return the name for people: Amazon Q, Ollama llama3.2."""
        ...

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        """Ask once, and leave no process and no descriptor behind.

        Raises AdvisorError, also when `timeout` seconds have passed. `schema` is None for a
        question that is answered in prose.
        """
        ...

    async def probe(self) -> str:
        """Return what answers ("kiro-cli 2.4.0") without asking the model anything.

        Raises AdvisorError if the advisor cannot answer now.
        """
        ...

    async def close(self) -> None:
        """Release what the advisor holds."""
        ...
