"""`python -m bot.demo`: the whole demo on this machine, without any account."""

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
from bot.demo.scenario import Scenario
from bot.demo.world import running
from bot.simulator import NotThereError

STEP_SECONDS = 20.0  # seconds for each step
STEP_SECONDS_WITH_MODEL = 150.0


def main(argv: list[str] | None = None) -> int:
    """Play the demo; the exit code is 0 if every step succeeded."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running, to play with")
    parser.add_argument(
        "--advisor", default="", help="a command in place of the demo's own (see ADVISOR_COMMAND)"
    )
    parser.add_argument(
        "--approver", default="ben", choices=("ana", "ben", "chloe"), help="who presses Approve"
    )
    parser.add_argument("--logs", type=Path, help="a folder to keep the logs in, as JSON")
    options = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ shows ?
    printer = Printer()
    try:
        if options.keep:
            asyncio.run(_until_signalled(_keep(printer, options.advisor)))
        else:
            asyncio.run(
                _until_signalled(_demo(printer, options.advisor, options.approver, options.logs))
            )
    except (DemoFailedError, NotThereError) as error:
        printer.plain()
        printer.failed(f"The demo failed: {error}")
        return 1
    except EndedError as ended:
        printer.plain("Ended; nothing is left running.")
        return 0 if options.keep else 128 + ended.signal  # the shell's convention
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter's last flush must not fail on it too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


async def _demo(printer: Printer, advisor: str, approver: str, logs: Path | None) -> None:
    printer.heading("sopbot demo: everything runs on this machine, and is removed at the end")
    async with running(printer, advisor=advisor, logs=logs) as world:
        timeout = STEP_SECONDS_WITH_MODEL if advisor else STEP_SECONDS
        scenario = Scenario(world, printer, approver=approver, timeout=timeout)
        await scenario.play()
        await check(scenario)
        thread = entries(scenario)
        began = world.monitor.seen.first_bad
        printer.heading("#alerts, seconds after the first failed health check")
        printer.thread(thread, since=began)
    lasted = max(entry.at for entry in thread) - began
    printer.heading(
        f"{lasted:.1f} s from the first failed health check to resolved; "
        "1 thread, 1 restart, 1 approval"
    )


async def _keep(printer: Printer, advisor: str) -> None:
    printer.heading("sopbot to play with: everything runs on this machine; Ctrl-C ends it")
    async with running(printer, advisor=advisor) as world:
        await play(world, printer)


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run `work`; the first Ctrl-C, SIGTERM or SIGHUP cancels it, further ones do not disturb the
    end.
    """
    task = asyncio.ensure_future(work)
    signals: list[int] = []

    def end(number: int) -> None:
        signals.append(number)
        if len(signals) == 1:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup relies on this
            asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        await task
    except asyncio.CancelledError:
        raise EndedError(signals[0]) from None


if __name__ == "__main__":
    sys.exit(main())
