"""Log lines of both processes: structlog, pretty on a terminal, JSON elsewhere.

Events and the messages of libraries take one path: the bound context (`structlog.contextvars`) is
added, tokens and passwords are redacted, control characters are escaped, then one renderer writes
the line. A step is an event with a stable name and fields (`bot.observability.events`,
`bot.gateway.events`); anything else is a sentence.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import nullcontext
from functools import lru_cache
from json.encoder import encode_basestring_ascii as json_text
from typing import Any, Protocol, TextIO

from bot.serving.bound_context import (
    Processor,
    bind_contextvars,
    bound_contextvars,
    get_contextvars,
)
from bot.serving.last_problems import LastProblems
from bot.serving.log_lines import Redactor, indented, one_line

Fields = MutableMapping[str, Any]

_JSON = json.JSONEncoder(ensure_ascii=True, default=str).encode
_OURS = ("bot", "handlers", "store")
_FIRST = ("ts", "level", "logger", "event")
LATER = 0.005  # seconds until a line is written
# A job that takes longer than its interval, a connection that the server closed: not worth a line.
_CHATTY = {
    "apscheduler": logging.ERROR,
    "psycopg": logging.ERROR,
    "psycopg.pool": logging.ERROR,
    "aiohttp.access": logging.WARNING,
}


def set_up(
    level: str,
    style: str,
    stream: TextIO | None = None,
    *,
    secrets: Iterable[str] = (),
    file: LineFile | None = None,
) -> None:
    """Send every log line to `stream` (stderr). `style` is auto, pretty or json.

    `file` gets the same lines, always as JSON. DEBUG applies to our own lines; libraries stay at
    INFO. The values of `secrets` never appear in a line, whatever their form.
    """
    out = stream or sys.stderr
    pretty = style == "pretty" or (style == "auto" and out.isatty())
    handler = _Handler(out)
    handler.setFormatter(_Lines(Redactor(secrets), _as_text if pretty else _as_json))
    root = logging.getLogger()
    as_json = _Lines(Redactor(secrets), _as_json)
    root.handlers[:] = [handler, LastProblems(as_json)]
    if file is not None:
        to_file = _Handler(file)
        to_file.setFormatter(as_json)
        root.addHandler(to_file)
    # At DEBUG Slack's SDK and Bolt log whole messages with alert text, so DEBUG is only for our
    # lines.
    root.setLevel(logging.INFO if level == "DEBUG" else level)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name, lowest in _CHATTY.items():
        logging.getLogger(name).setLevel(lowest)


def emit(log: logging.Logger, level: int, event: str, fields: Mapping[str, Any]) -> None:
    """Log a step by the name of its event; fields that are None are left out."""
    if log.isEnabledFor(level):
        log.handle(_Step(log.name, level, event, fields))


def bound(**fields: Any) -> Any:
    """Open a context in which every log line has these fields, also the lines of libraries."""
    return bound_contextvars(**fields)


def bind(**fields: Any) -> None:
    """Add these fields to every later log line of this task and of the tasks that it starts."""
    bind_contextvars(**fields)


class _Step(logging.LogRecord):
    """The record of an event. It omits the source position, because the event's name says more.

    Each alert of a burst logs two. `Logger.log` would walk the stack for the caller's file and line
    each time, and read the process and the thread, which none of our lines shows.
    """

    _TEMPLATE = vars(logging.LogRecord("", logging.INFO, "", 0, "", (), None))

    def __init__(self, name: str, level: int, event: str, fields: Mapping[str, Any]) -> None:
        vars(self).update(self._TEMPLATE)
        self.name = name
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = event
        self.created = now = time.time()
        self.msecs = now % 1 * 1000
        self.fields = {n: v for n, v in fields.items() if v is not None}


class LineFile(Protocol):
    """The part of a text stream to which lines are written."""

    def write(self, text: str, /) -> object:
        """Write whole lines."""

    def flush(self) -> None:
        """Hand them to the system."""


class _Handler(logging.StreamHandler[Any]):
    """Writes the lines of a few milliseconds of the event loop together, in their order.

    A log call interrupts work that somebody waits for: formatting takes as long as a query, and
    each write is a system call, after which another thread may run for milliseconds. So records are
    kept, with their bound context, until that work is over. Warnings and worse, and records from
    outside a loop, are written at once, together with all kept ones.
    """

    def __init__(self, stream: LineFile) -> None:
        super().__init__(stream)
        self._waiting: list[logging.LogRecord] = []
        self._flushed_by: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, at the latest `LATER` seconds from now."""
        try:
            loop = asyncio._get_running_loop() if record.levelno < logging.WARNING else None  # noqa: SLF001 - the public one raises
            self._waiting.append(_kept(record))
            if loop is None:
                self.flush()
            elif self._flushed_by is not loop:
                self._flushed_by = loop
                loop.call_later(LATER, self.flush)
        except Exception:  # noqa: BLE001 - as every handler: a line that fails stops nothing else
            self.handleError(record)

    def flush(self) -> None:
        """Write all kept lines. Also called at exit, by `logging.shutdown`."""
        with self.lock or nullcontext():
            self._flushed_by = None
            waiting, self._waiting = self._waiting, []
            text = "".join(line for record in waiting for line in self._line(record))
            if text:
                self.stream.write(text)
            super().flush()

    def _line(self, record: logging.LogRecord) -> Iterator[str]:
        try:
            yield self.format(record) + self.terminator
        except Exception:  # noqa: BLE001 - the others are written
            self.handleError(record)


def _kept(record: logging.LogRecord) -> logging.LogRecord:
    """Freeze the record: its arguments may change, and the context will be another one later."""
    record.msg, record.args = record.getMessage(), None
    vars(record)["bound"] = get_contextvars()
    return record


class _Lines(logging.Formatter):
    """Runs structlog's processors over each record, ours or a library's."""

    def __init__(self, *processors: Processor) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        """Format one line, and its indented traceback if there is one."""
        seconds, part = divmod(int(record.created * 1000), 1000)
        fields: Any = {
            "ts": f"{_second(seconds)}.{part:03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        # The fields of the bound context follow the line's own fields.
        for name, value in getattr(record, "bound", {}).items():
            fields.setdefault(name, value)
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        for processor in self._processors:
            fields = processor(None, record.levelname, fields)
        return str(fields)


@lru_cache(maxsize=4)  # the lines of one second
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _as_json(_log: Any, _method: str, fields: Fields) -> str:
    # `JSONEncoder.encode` builds an encoder for each dict; most values are text and need none.
    parts = [
        f"{json_text(name)}: {json_text(value) if isinstance(value, str) else _JSON(value)}"
        for name, value in fields.items()
    ]
    return f"{{{', '.join(parts)}}}"


def _as_text(_log: Any, _method: str, fields: Fields) -> str:
    ts, level, logger, event = (str(fields.pop(name)) for name in _FIRST)
    error = fields.pop("error", "")
    more = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
    line = f"{ts[11:23]} {level:<7} {logger}: {one_line(event)}{more}"
    return line + indented(str(error)) if error else line


def _shown(value: Any) -> str:
    text = one_line(str(value))
    return text if text and " " not in text else json.dumps(text, ensure_ascii=False)
