"""`python -m bot.demo`: the whole job on this machine, without any account."""

import argparse
import asyncio
import io
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bot.demo.checks import check
from bot.demo.errors import DemoFailedError, EndedError
from bot.demo.play import play
from bot.demo.printing import Printer
from bot.demo.reading import entries
from bot.demo.story import Story
from bot.demo.world import running
from bot.simulator import NotThereError

PATIENCE = 20.0  # seconds for each step
PATIENCE_WITH_MODEL = 150.0


def main(argv: list[str] | None = None) -> int:
    """Play the demo; the exit code: 0 when every step came true."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running, to play with")
    parser.add_argument(
        "--advisor", default="", help="a command in place of the demo's own (see ADVISOR_COMMAND)"
    )
    parser.add_argument(
        "--approver", default="ben", choices=("ana", "ben", "chloe"), help="who presses Approve"
    )
    parser.add_argument("--logs", type=Path, help="a folder to keep the logs in, as JSON")
    given = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ shows ?
    printer = Printer()
    try:
        if given.keep:
            asyncio.run(_until_told(_keep(printer, given.advisor)))
        else:
            asyncio.run(_until_told(_demo(printer, given.advisor, given.approver, given.logs)))
    except (DemoFailedError, NotThereError) as error:
        printer.plain()
        printer.failed(f"The demo failed: {error}")
        return 1
    except EndedError as ended:
        printer.plain("Ended; nothing is left running.")
        return 0 if given.keep else 128 + ended.signal  # as a shell says it
    except BrokenPipeError:
        # Whoever read this has left; the interpreter's last flush must not complain of it too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


async def _demo(printer: Printer, advisor: str, approver: str, logs: Path | None) -> None:
    printer.heading("sopbot demo: everything runs on this machine, and goes when it ends")
    async with running(printer, advisor=advisor, logs=logs) as world:
        patience = PATIENCE_WITH_MODEL if advisor else PATIENCE
        story = Story(world, printer, approver=approver, patience=patience)
        await story.play()
        await check(story)
        said = entries(story)
        began = world.monitor.seen.first_bad
        printer.heading("#alerts, seconds after the first failed health check")
        printer.thread(said, since=began)
    lasted = max(one.at for one in said) - began
    printer.heading(
        f"{lasted:.1f} s from the first failed health check to resolved; "
        "1 thread, 1 restart, 1 approval"
    )


async def _keep(printer: Printer, advisor: str) -> None:
    printer.heading("sopbot to play with: everything runs on this machine; Ctrl-C ends it")
    async with running(printer, advisor=advisor) as world:
        await play(world, printer)


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run `work`; the first Ctrl-C, SIGTERM or SIGHUP cancels it, more do not disturb the end."""
    task = asyncio.ensure_future(work)
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        if len(told) == 1:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        await task
    except asyncio.CancelledError:
        raise EndedError(told[0]) from None


if __name__ == "__main__":
    sys.exit(main())
