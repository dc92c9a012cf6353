"""Log lines of both processes: structlog, pretty on a terminal, JSON elsewhere.

One pipe for events and for what libraries log: the context that is bound (`structlog.contextvars`)
is added, tokens and passwords are redacted, control characters are escaped, then one renderer
writes the line. A step is an event with a stable name and fields (`bot.observability.events`,
`bot.gateway.events`); anything else is a sentence.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter

from bot.serving.log_lines import Redactor, indented, one_line

Fields = MutableMapping[str, Any]

_OURS = ("bot", "handlers", "store")
_FIRST = ("ts", "level", "logger", "event")
# A job that takes longer than its interval, a connection that the server closed: no news.
_CHATTY = {
    "apscheduler": logging.ERROR,
    "psycopg": logging.ERROR,
    "psycopg.pool": logging.ERROR,
    "aiohttp.access": logging.WARNING,
}


def set_up(
    level: str, style: str, stream: TextIO | None = None, *, secrets: Iterable[str] = ()
) -> None:
    """Send every log line to `stream` (stderr). `style` is auto, pretty or json.

    DEBUG is for our own lines; libraries stay at INFO. The values of `secrets` never stand in a
    line, whatever they look like.
    """
    out = stream or sys.stderr
    pretty = style == "pretty" or (style == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars],
            processors=[
                _about,
                ProcessorFormatter.remove_processors_meta,
                _with_error,
                Redactor(secrets),
                _as_text if pretty else _as_json,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # At DEBUG Slack's SDK and Bolt log whole messages, alert text and all: it is ours alone.
    root.setLevel(logging.INFO if level == "DEBUG" else level)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name, lowest in _CHATTY.items():
        logging.getLogger(name).setLevel(lowest)


def emit(log: logging.Logger, level: int, event: str, fields: Mapping[str, Any]) -> None:
    """Log a step by the name of its event; fields that are None are left out."""
    if not log.isEnabledFor(level):
        return
    told = merge_contextvars(log, event, {n: v for n, v in fields.items() if v is not None})
    # As ProcessorFormatter.wrap_for_formatter hands it on.
    log.log(level, {**told, "event": str(event)}, extra={"_logger": log, "_name": event})


def bound(**fields: Any) -> Any:
    """A context in which every log line carries these fields, also those of libraries."""
    return structlog.contextvars.bound_contextvars(**fields)


def bind(**fields: Any) -> None:
    """From here on every log line of this task, and of those it starts, carries these fields."""
    structlog.contextvars.bind_contextvars(**fields)


def _about(_log: Any, _method: str, fields: Fields) -> Fields:
    """When, how bad, who said it: in front."""
    record: logging.LogRecord = fields["_record"]
    at = datetime.fromtimestamp(record.created, UTC)
    about = {
        "ts": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "level": record.levelname,
        "logger": record.name,
        "event": fields["event"],
    }
    return {**about, **{name: value for name, value in fields.items() if name not in _FIRST}}


def _with_error(_log: Any, _method: str, fields: Fields) -> Fields:
    exc_info = fields.pop("exc_info", None)
    if exc_info:
        fields["error"] = logging.Formatter().formatException(exc_info)
    return fields


def _as_json(_log: Any, _method: str, fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=True, default=str)


def _as_text(_log: Any, _method: str, fields: Fields) -> str:
    ts, level, logger, event = (str(fields.pop(name)) for name in _FIRST)
    error = fields.pop("error", "")
    more = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
    line = f"{ts[11:23]} {level:<7} {logger}: {one_line(event)}{more}"
    return line + indented(str(error)) if error else line


def _shown(value: Any) -> str:
    text = one_line(str(value))
    return text if text and " " not in text else json.dumps(text, ensure_ascii=False)
