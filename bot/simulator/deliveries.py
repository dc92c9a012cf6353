"""One envelope on its way to the bot, and when to send it again.

Slack gives a socket three seconds to acknowledge. Events that nobody acknowledged come again at
once, a minute later and five minutes later, with `retry_attempt` 1 to 3 and the same envelope_id
(seen by users of bolt-js and slack-go). A socket that dies before it acknowledged counts as one
that did not answer. Commands and interactions are never repeated.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]

ACK_SECONDS = 3.0
RETRY_AFTER = (0.0, 60.0, 300.0)  # seconds after the failed attempt before


@dataclass(frozen=True)
class Ack:
    """The bot's answer: how long it took (seconds) and what it carried."""

    seconds: float
    payload: JSON | None


@dataclass(eq=False)
class Delivery:
    """An envelope, its attempts so far and its answer.

    `sent_on` has the number of the link of each sending, `acked_on` that of the answer.
    """

    type: str
    payload: JSON
    born: float
    accepts_response_payload: bool = False
    envelope_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 0
    sends: int = 0
    sent_on: list[int] = field(default_factory=list)
    acked_on: int | None = None
    ack: Ack | None = None
    failure: str = ""
    answered: "asyncio.Future[Ack | None] | None" = None
    on_ack: Callable[[Ack], None] | None = None  # runs before anything else the bot then sends

    def envelope(self) -> JSON:
        """The envelope as the present attempt sends it."""
        done: JSON = {
            "envelope_id": self.envelope_id,
            "payload": self.payload,
            "type": self.type,
            "accepts_response_payload": self.accepts_response_payload,
        }
        if self.type == "events_api":
            done["retry_attempt"] = self.attempt
            done["retry_reason"] = "timeout" if self.attempt else ""
        return done

    def settle(self, ack: Ack | None, failure: str = "") -> None:
        """Note the answer, or that none will come; the first word counts."""
        if self.ack is None:
            self.ack = ack
            self.failure = failure
            if ack is not None and self.on_ack is not None:
                self.on_ack(ack)
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(self.ack)

    async def outcome(self) -> Ack | None:
        """The answer once it is there; None when there was none in time or nobody to ask."""
        if self.ack is not None or self.failure:
            return self.ack
        if self.answered is None:
            self.answered = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self.answered)


def attempt_by_age(seconds: float) -> int | None:
    """The number of the retry that an event of this age is on; None if Slack has given it up."""
    due = 0.0
    for attempt, wait in enumerate(RETRY_AFTER, start=1):
        due += wait
        following = RETRY_AFTER[attempt] if attempt < len(RETRY_AFTER) else ACK_SECONDS
        if seconds <= due + following:
            return attempt
    return None
