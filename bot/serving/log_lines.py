"""Log lines for people: a stranger's text can neither move the cursor nor forge a second line."""

from __future__ import annotations

import logging

_INDENT = "    "


def one_line(text: str) -> str:
    """The text with every line end, control and invisible character escaped (`\\n`, `\\x1b`)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def indented(text: str) -> str:
    """A traceback below its log line. No line of it begins where a log line begins."""
    return "".join(f"\n{_INDENT}{one_line(line)}" for line in text.split("\n"))


class OneLineFormatter(logging.Formatter):
    """The format given, with the message on one line and its traceback indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the indented traceback where there is one."""
        shown = logging.makeLogRecord(record.__dict__)
        shown.msg, shown.args = one_line(record.getMessage()), None
        shown.exc_info, shown.exc_text, shown.stack_info = None, None, None
        line = super().format(shown)
        if record.exc_info:
            line += indented(self.formatException(record.exc_info))
        return line
