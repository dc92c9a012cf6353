"""Run the local Slack until a signal stops it."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from .chaos import ROUGH, Chaos
from .local import LocalSlack
from .manifest import Manifest, read_manifest
from .rates import RateLimits


def main(argv: list[str] | None = None) -> int:
    """Parse arguments, serve, and say in one line of JSON where; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--manifest", type=Path, help="send only what this manifest declares")
    parser.add_argument("--rate-limits", action="store_true", help="limit rates as Slack does")
    parser.add_argument("--chaos", type=int, metavar="SEED", help="a bad day, by the dice")
    args = parser.parse_args(argv)
    try:
        manifest = read_manifest(args.manifest) if args.manifest else Manifest()
        options = {
            "host": args.host,
            "port": args.port,
            "manifest": manifest,
            "limits": RateLimits() if args.rate_limits else None,
            "faults": Chaos(args.chaos, **ROUGH) if args.chaos is not None else None,
        }
        asyncio.run(_serve(options))
    except (OSError, ValueError) as problem:
        print(f"simulator: {problem}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: dict[str, Any]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with LocalSlack.start(**options) as slack:
        print(json.dumps(ready_line(slack)), flush=True)
        await stop.wait()


def ready_line(slack: LocalSlack) -> dict[str, object]:
    """The facts that a parent process needs, for the line on standard output."""
    return {
        "api_url": slack.api_url,
        "page_url": slack.page_url,
        "app_token": slack.app_token,
        "bot_token": slack.bot_token,
        "team_id": slack.team_id,
        "bot_user_id": slack.bot_user_id,
        "channels": slack.channels,
        "users": slack.users,
        "webhooks": {name: slack.webhook_url(name) for name in slack.channels},
    }


if __name__ == "__main__":
    sys.exit(main())
