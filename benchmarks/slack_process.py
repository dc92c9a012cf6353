"""The local Slack in its own process, so that it shares no interpreter with the bench.

`python -m benchmarks.slack_process CHANNELS` prints its address as one JSON line. Each input line
`{"alerts": …, "groups": …, "name": …}` starts a storm; the process answers one line after the last
acknowledgement.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.senders import slack_event, word
from benchmarks.stage import ROOT, clean_environment
from bot.simulator import Channel, LocalSlack

UNACKED = 64  # unacknowledged envelopes at most: Slack redelivers an envelope after 3 s
WAIT = 180.0


@dataclass(frozen=True, slots=True)
class Poured:
    """Result of a storm: Unix times, and the number of envelopes that were sent more than once."""

    alerts: int
    began: float
    ended: float
    repeated: int

    @property
    def per_second(self) -> float:
        """Return alerts per second, up to the last acknowledgement."""
        return self.alerts / (self.ended - self.began)


class SlackProcess:
    """The address of the other process, and the commands to it."""

    def __init__(self, process: asyncio.subprocess.Process, place: dict[str, Any]) -> None:
        self._process = process
        self.api_url: str = place["api_url"]
        self.bot_token: str = place["bot_token"]
        self.app_token: str = place["app_token"]
        self.users: dict[str, str] = place["users"]
        self.channels: list[str] = place["channels"]

    async def storm(self, alerts: int, groups: int, name: str) -> Poured:
        """Send the alerts, spread over the channels; `name` separates the services of different
        storms.
        """
        assert self._process.stdin is not None
        command = {"alerts": alerts, "groups": groups, "name": name}
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return Poured(alerts, **await _answer_of(self._process))


async def _answer_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), WAIT)
    if not line:
        raise RuntimeError("the local Slack ended: what it said stands above")
    return dict(json.loads(line))


@asynccontextmanager
async def slack_process(channels: int) -> AsyncIterator[SlackProcess]:
    """Run a local Slack with so many alert channels, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.slack_process",
        str(channels),
        env=clean_environment(),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield SlackProcess(process, await _answer_of(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the end of its input ends it
        await process.wait()


async def main(channels: int) -> None:
    """Run as that process."""
    names = [f"C0BENCH{number:03}" for number in range(channels)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with LocalSlack.start(record_calls=False) as slack:
        members = next(iter(slack.core.workspace.channels.values())).members
        for number, name in enumerate(names):
            slack.add_channel(Channel(name, f"bench-{number}", set(members)))
        place = {
            name: getattr(slack, name) for name in ("api_url", "bot_token", "app_token", "users")
        }
        _print(place | {"channels": names})
        while line := await reader.readline():
            _print(await pour(slack, names, **json.loads(line)))


def _print(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


async def pour(
    slack: LocalSlack, channels: list[str], alerts: int, groups: int, name: str
) -> dict[str, Any]:
    """Send the alerts, at most UNACKED unacknowledged, and wait for all acknowledgements."""
    links, more = slack.core.links, asyncio.Event()
    events = [
        slack_event(
            channels[number % groups % len(channels)],
            slack.core.workspace.next_ts(),
            service=f"{name}-{word(number % groups)}",
            instance=word(number),
        )
        for number in range(alerts)
    ]
    links.on_change = more.set

    async def until_under_way(limit: int) -> None:
        while links.unacknowledged() > limit:
            more.clear()
            await more.wait()

    began = time.time()
    sent = []
    for event in events:
        await until_under_way(UNACKED - 1)
        sent.append(slack.send_event(event))
    await until_under_way(0)
    assert all(envelope.ack for envelope in sent), "the local Slack gave an envelope up"
    repeated = sum(envelope.sends > 1 for envelope in sent)
    return {"began": began, "ended": time.time(), "repeated": repeated}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
