"""`python -m bot [COMMAND]`: the bot, or one of the operator's commands."""

from __future__ import annotations

from bot.hardening import hide_memory

if __name__ == "__main__":
    # Before the imports below: they take long enough for another process to read our memory.
    hide_memory()
    import gc

    # What imports make is no garbage, and by default Python spends a sixth of their time looking.
    gc.set_threshold(100_000)

import argparse
import asyncio
import gc
import importlib
import importlib.metadata
import json
import logging
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot import (
    audit_command,
    enrich_command,
    init_command,
    policy_command,
    prompt_command,
    replay_command,
    runbooks_command,
    services_command,
    sources_command,
    store_command,
    upgrade_command,
)
from bot.errors import OutsideError, SettingsError, SopbotError
from bot.observability.events import Event, emit
from bot.settings import Settings, forget_secrets, load

if TYPE_CHECKING:
    from bot.app import Bot
    from bot.serving.log_file import RotatingFile

COLLECT_EVERY = 10_000  # more objects in use; a collection of them takes a millisecond
EXIT_CONFIG = 78  # EX_CONFIG: a supervisor need not try again
EXIT_PIPE = 141  # as a shell reports SIGPIPE
AS_ROOT = (
    "the bot runs as root: a fault in it, or in its advisor, can change the whole machine; give it"
    " a user of its own"
)
PROGRAMS = {
    "demo": "play the whole job on this machine, no account needed; --keep leaves it running",
    "gateway": "run the reference gateway",
    "simulator": "run the local Slack",
}
"""Programs with a command line of their own, and their help here."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] and argv[0] in PROGRAMS:
        return _run_program(*argv)
    options = _parser().parse_args(argv)
    if options.command not in (None, "run"):
        try:
            status = _run_command(options)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, has enough
            # The interpreter's last flush must not fail on it too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_PIPE
        return status
    try:
        settings = load()
        forget_secrets()
    except SettingsError as error:
        return _refuse(error)
    return asyncio.run(_run(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program_name(), description="The incident bot.")
    parser.add_argument("--version", action="version", version=f"sopbot {_version()}")
    commands = parser.add_subparsers(dest="command")
    for name, purpose in PROGRAMS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    commands.add_parser("run", help="run the bot (this is what no command does)")
    commands.add_parser("check", help="print what is missing, one line per check")
    commands.add_parser("dump", help="print the state of the running bot as JSON, without secrets")
    store_command.add_arguments(
        commands.add_parser("store", help="the store as a whole: status, backup, restore, copy …")
    )
    upgrade_command.add_arguments(
        commands.add_parser("upgrade", help="--check: what this version changes in the store")
    )
    audit_command.add_arguments(
        commands.add_parser("audit", help="the audit trail: verify, begin-anew")
    )
    audit_command.add_export_arguments(
        commands.add_parser("export", help="write one incident with its proof as JSON")
    )
    sources_command.add_arguments(
        commands.add_parser("sources", help="try: show how payloads are read, field by field")
    )
    replay_command.add_arguments(
        commands.add_parser("replay", help="show the incidents that a stream of alerts becomes")
    )
    services_command.add_arguments(
        commands.add_parser("services", help="draft, suggest: print what services.yaml may declare")
    )
    enrich_command.add_arguments(
        commands.add_parser("enrich", help="print the evidence about an alert from a snapshot")
    )
    runbooks_command.add_arguments(
        commands.add_parser("runbooks", help="search, index, lint a folder of runbooks")
    )
    prompt_command.add_arguments(
        commands.add_parser("prompt", help="print what the advisor would be sent about an incident")
    )
    init_command.add_arguments(
        commands.add_parser("init", help="write the example configuration into a folder")
    )
    policy_command.add_arguments(
        commands.add_parser("policy", help="schema, show, shadow: print what the policy says")
    )
    return parser


def _program_name() -> str:
    """Return how this process was started, for the help: `sopbot` or `python -m bot`."""
    return "sopbot" if Path(sys.argv[0]).name == "sopbot" else "python -m bot"


def _version() -> str:
    try:
        return importlib.metadata.version("sopbot")
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        return "of a checkout"


def _run_program(name: str, *arguments: str) -> int:
    """Run another program of ours, which reads its own arguments; its modules load only now."""
    if name == "demo":
        from bot.demo.__main__ import main as run_demo

        return run_demo(list(arguments))
    if name == "gateway":
        from bot.gateway.__main__ import main as run_gateway

        return run_gateway(list(arguments))
    # The local Slack exports no command line, so run the package as `python -m` does; its arguments
    # are those of the process, and it ends by SystemExit with its status.
    sys.argv[1:] = arguments
    runpy.run_module("bot.simulator", run_name="__main__")
    return 0


_COMMANDS = {
    "store": "bot.store_command.commands",
    "upgrade": "bot.upgrade_command.commands",
    "audit": "bot.audit_command.commands",
    "export": "bot.audit_command.commands",
    "sources": "bot.sources_command.commands",
    "replay": "bot.replay_command.commands",
    "services": "bot.services_command.commands",
    "enrich": "bot.enrich_command.commands",
    "runbooks": "bot.runbooks_command.commands",
    "prompt": "bot.prompt_command.commands",
    "policy": "bot.policy_command.commands",
}


def _run_command(options: argparse.Namespace) -> int:
    """Run a command other than the bot; its modules load only now."""
    if module := _COMMANDS.get(options.command):
        return int(importlib.import_module(module).run(options))
    if options.command == "init":
        return init_command.run(options)
    if options.command == "check":
        from bot.check import check

        return asyncio.run(check())
    from bot import dump_command

    return dump_command.run()


async def _run(settings: Settings) -> int:
    from bot.app import Bot
    from bot.gateways_from_settings import gateway_secrets
    from bot.serving.logs import set_up

    try:
        file = _log_file(settings)
    except OSError as error:
        problem = f"LOG_FILE: {settings.log_file} cannot be written: {error.strerror}"
        return _refuse(SettingsError([problem]))
    try:
        known = [*settings.secrets(), *gateway_secrets(settings)]
    except SettingsError as error:
        return _refuse(error)
    set_up(settings.log_level, settings.log_format, secrets=known, file=file)
    if os.geteuid() == 0:
        logging.getLogger("bot").warning(AS_ROOT)
    for warning in settings.warnings:
        logging.getLogger("bot").warning(warning)
    serving = asyncio.create_task(_serve(Bot(settings)))
    for name in (signal.SIGTERM, signal.SIGINT):
        # Once: a second signal must not cut the orderly end short. It also works during the start.
        asyncio.get_running_loop().add_signal_handler(name, _end, serving)
    # By default both end a process, also while it starts.
    for name in (signal.SIGHUP, signal.SIGUSR1):
        asyncio.get_running_loop().add_signal_handler(name, _starting, name)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except SettingsError as error:
        return _refuse(error)
    except OutsideError as error:
        print(f"sopbot does not start: {error}", file=sys.stderr)
        return 1
    except SopbotError as error:
        return _refuse(SettingsError([str(error)]))
    return 0


def _log_file(settings: Settings) -> RotatingFile | None:
    """Open LOG_FILE; None without it. OSError if it cannot be written."""
    if settings.log_file is None:
        return None
    from bot.serving.log_file import RotatingFile

    size = settings.log_file_max_mb * 1_048_576
    return RotatingFile(settings.log_file, size, settings.log_file_keep)


async def _serve(bot: Bot) -> None:
    async with bot:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, bot.reload)
        dumps: set[asyncio.Task[None]] = set()

        def dump() -> None:
            task = loop.create_task(_dump(bot))
            dumps.add(task)
            task.add_done_callback(dumps.discard)

        loop.add_signal_handler(signal.SIGUSR1, dump)
        gc.collect()
        gc.freeze()  # the objects built so far stay: no collection in a burst need visit them
        # By default every 700 new objects: in a burst that is about three alerts.
        gc.set_threshold(COLLECT_EVERY)
        await asyncio.Event().wait()


async def _dump(bot: Bot) -> None:
    """Log the bot's state in one line, without secrets."""
    logging.getLogger("bot").info("dump: %s", json.dumps(await bot.dump()))


def _starting(number: int) -> None:
    logging.getLogger("bot").warning(
        "%s ignored: the bot is still starting", signal.Signals(number).name
    )


def _end(serving: asyncio.Task[None]) -> None:
    if not serving.cancelling():
        emit(Event.BOT_STOPPING)
        serving.cancel()


def _refuse(error: SettingsError) -> int:
    print("sopbot does not start:", file=sys.stderr)
    for problem in error.problems:
        print(f"  ✗ {problem}", file=sys.stderr)
    command = f"`{_program_name()} check`"
    print(f"{command} says more; docs/settings.md names every setting.", file=sys.stderr)
    return EXIT_CONFIG


if __name__ == "__main__":
    sys.exit(main())
