"""Reads `/incident open`: `[severity] title [service=…] [env=…]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.incidents.model import Severity
from bot.incidents.severity_words import known_severity

# Only these words: "error rate is up" is a title.
_SEVERITY = re.compile(r"(critical|high|medium|low|sev[0-5]|p[0-5])(?::\s*|\s+|$)", re.IGNORECASE)
_PAIR = re.compile(r'(?:^|\s)(service|env)[=:](?:["“”„]([^"“”„]*)["“”„]|(\S+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReportText:
    """A report as a person typed it; the severity is high unless they name another one."""

    title: str
    severity: Severity = Severity.HIGH
    service: str = ""
    env: str = ""


def parse_report(text: str) -> ReportText:
    """Read the text: the severity is its first word, and the pairs stand anywhere."""
    pairs = {match[1].lower(): match[2] or match[3] or "" for match in _PAIR.finditer(text)}
    title = _PAIR.sub("", text).strip()
    severity = None
    if first := _SEVERITY.match(title):
        severity = known_severity(first[1])
        title = title[first.end() :]
    return ReportText(
        " ".join(title.split()),
        severity or Severity.HIGH,
        pairs.get("service", ""),
        pairs.get("env", ""),
    )
