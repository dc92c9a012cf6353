"""`python -m bot init`: write the example configuration into a folder, to be edited there."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.example_files import EXAMPLES

_ENV = """\
# The settings of the bot; docs/settings.md describes every one. Keep this file to yourself.
SLACK_BOT_TOKEN=
SLACK_APP_TOKEN=
SLACK_ALERT_CHANNELS=
AI_COMMAND_GATEWAY_URL=http://127.0.0.1:8003
AI_COMMAND_GATEWAY_TIMEOUT=75
AI_COMMAND_GATEWAY_SOURCE_ID=sopbot
AI_COMMAND_GATEWAY_SECRET={gateway_secret}
AUDIT_KEY={audit_key}
STORE_URL={store_url}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="default: this one")
    parser.add_argument(
        "--store",
        metavar="URL",
        default="sqlite:///sopbot.db",
        help="STORE_URL of the new .env; default: %(default)s, a file in that folder",
    )


def run(options: argparse.Namespace) -> int:
    """Write each example file that is not there yet; return 0, or 1 if one cannot be written."""
    folder: Path = options.folder
    try:
        for name, data in _files(options.store):
            _write(folder / name, data)
    except OSError as error:
        print(f"✗ {error.filename or folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"Next, in {folder.resolve()}: fill in .env and the files in config/. Then run there:")
    print("  sopbot check      (from a checkout: .venv/bin/python -m bot check)")
    return 0


def _files(store_url: str) -> Iterator[tuple[Path, bytes]]:
    # os.walk, not rglob: in a checkout config/ is a link, which rglob does not enter.
    for folder, _, names in sorted(os.walk(EXAMPLES, followlinks=True)):
        for name in sorted(names):
            file = Path(folder) / name
            yield file.relative_to(EXAMPLES), file.read_bytes()
    env = _ENV.format(
        gateway_secret=secrets.token_hex(32), audit_key=secrets.token_hex(32), store_url=store_url
    )
    yield Path(".env"), env.encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Only the owner may read .env; O_EXCL leaves the operator's own file, and follows no link.
    mode = 0o600 if path.name == ".env" else 0o644
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        print(f"· {path} is there already, and stays")
        return
    with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
        file.write(data)
    print(f"✓ {path}")
