"""The local Slack as a process of its own, so that it shares no interpreter with the bench.

`python -m benchmarks.slack_process CHANNELS` says in one JSON line where it is; each line that it
is given then, `{"alerts": …, "groups": …, "name": …}`, is a storm, answered with one line when the
last envelope is acknowledged.
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

UNACKED = 64  # envelopes under way at most: Slack repeats what is not acknowledged in 3 s
WAIT = 180.0


@dataclass(frozen=True, slots=True)
class Poured:
    """A storm that is over: Unix times, and how many envelopes were sent more than once."""

    alerts: int
    began: float
    ended: float
    repeated: int

    @property
    def per_second(self) -> float:
        """Alerts a second, to the last acknowledgement."""
        return self.alerts / (self.ended - self.began)


class SlackProcess:
    """Where the other process listens, and how it is told to send."""

    def __init__(self, process: asyncio.subprocess.Process, said: dict[str, Any]) -> None:
        self._process = process
        self.api_url: str = said["api_url"]
        self.bot_token: str = said["bot_token"]
        self.app_token: str = said["app_token"]
        self.users: dict[str, str] = said["users"]
        self.channels: list[str] = said["channels"]

    async def storm(self, alerts: int, groups: int, name: str) -> Poured:
        """Send them, spread over the channels; `name` keeps one storm's services from another's."""
        assert self._process.stdin is not None
        asked = {"alerts": alerts, "groups": groups, "name": name}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        return Poured(alerts, **await _said_by(self._process))


async def _said_by(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), WAIT)
    if not line:
        raise RuntimeError("the local Slack ended: what it said stands above")
    return dict(json.loads(line))


@asynccontextmanager
async def slack_process(channels: int) -> AsyncIterator[SlackProcess]:
    """A local Slack with so many alert channels, until the block ends."""
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
        yield SlackProcess(process, await _said_by(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the end of its input is the end of it
        await process.wait()


async def main(channels: int) -> None:
    """Be that process."""
    names = [f"C0BENCH{number:03}" for number in range(channels)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with LocalSlack.start(record_calls=False) as slack:
        members = next(iter(slack.core.workspace.channels.values())).members
        for number, name in enumerate(names):
            slack.add_channel(Channel(name, f"bench-{number}", set(members)))
        place = {one: getattr(slack, one) for one in ("api_url", "bot_token", "app_token", "users")}
        _say(place | {"channels": names})
        while line := await reader.readline():
            _say(await pour(slack, names, **json.loads(line)))


def _say(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


async def pour(
    slack: LocalSlack, channels: list[str], alerts: int, groups: int, name: str
) -> dict[str, Any]:
    """Send them, at most UNACKED under way, and wait until none is."""
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
    assert all(one.ack for one in sent), "the local Slack gave an envelope up"
    repeated = sum(one.sends > 1 for one in sent)
    return {"began": began, "ended": time.time(), "repeated": repeated}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
