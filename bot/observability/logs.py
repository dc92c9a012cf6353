"""Logs: pretty on a terminal, JSON elsewhere; a token that slips in is blotted out."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from bot.serving.log_lines import indented, one_line

_SECRET = re.compile(r"\b(xox[a-z]-[\w-]{6,}|xapp-[\w-]{6,})|(?<=ticket=)[\w-]+|(?<=Bearer )\S+")


def blot(text: str) -> str:
    """The text without Slack tokens, tickets and bearer tokens."""
    return _SECRET.sub("[secret]", text)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": _when(record),
            "level": record.levelname,
            "logger": record.name,
            "msg": blot(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = blot(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)


class _Pretty(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = one_line(blot(record.getMessage()))
        line = f"{_when(record)[11:23]} {record.levelname:<7} {record.name}: {text}"
        if record.exc_info:
            line += indented(blot(self.formatException(record.exc_info)))
        return line


def _when(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def set_up(level: str, style: str, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (stderr). `style` is auto, pretty or json."""
    out = stream or sys.stderr
    pretty = style == "pretty" or (style == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Pretty() if pretty else _Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A job that takes longer than its interval, a connection that the server closed: no news.
    for chatty in ("apscheduler", "psycopg", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
