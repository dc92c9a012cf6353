"""Shortens the description of a pod to what may tell a cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.enrichment.kubernetes.events import Event, read_events
from bot.enrichment.kubernetes.fitting import Line
from bot.enrichment.kubernetes.text import lines_of, one_space, template_of

MOST_LINES = 2_000
_FIELD = re.compile(r"(\s*)([A-Za-z][A-Za-z0-9 ().-]{0,60}):(?:\s+|$)")
# Fields that say nothing about a cause; what stands below them goes too.
_DROPPED = {
    "Container ID", "Image ID", "IP", "IPs", "Priority", "Controlled By", "TokenExpirationSeconds",
    "ConfigMapName", "ConfigMapOptional", "DownwardAPI", "Host Port", "Host Ports", "Namespace",
    "pod-template-hash", "SizeLimit",
}  # fmt: skip
_DROPPED_TEXT = (
    "kube-api-access-", "pod-template-hash=", "node.kubernetes.io/not-ready:NoExecute op=Exists",
    "node.kubernetes.io/unreachable:NoExecute op=Exists", "kubectl.kubernetes.io/restartedAt",
    "cni.projectcalico.org/",
)  # fmt: skip
_FIRST = {
    "Status", "Reason", "Message", "State", "Last State", "Exit Code", "Signal", "Ready",
    "Restart Count", "Warning",
}  # fmt: skip
_SECOND = {
    "Image", "Node", "Limits", "Requests", "cpu", "memory", "Liveness", "Readiness", "Startup",
    "Command", "Args", "Port", "Ports", "Service Account", "Node-Selectors", "Tolerations",
    "ClaimName", "SecretName", "Optional", "ReadOnly", "Type", "Name", "Started", "Finished",
    "ephemeral-storage",
}  # fmt: skip
_SECTIONS = {"Containers", "Init Containers", "Conditions", "Volumes", "Environment", "Mounts",
             "Environment Variables from"}  # fmt: skip
_TABLE_HEAD = re.compile(r"\s*(?:Type\s+(?:Reason|Status)|-{4,})")


def describe_lines(text: str, is_shown: Callable[[Event], bool]) -> list[Line]:
    """Return the lines that matter. `is_shown` is true for an event that stands elsewhere already.

    The state of its containers comes first, then how they are declared, then the rest.
    """
    body, marker, events = text.partition("\nEvents:")
    lines = _without_empty(list(_body(body)))
    if marker:
        shown = [event for event in read_events(events) if not is_shown(event)]
        for number, event in enumerate(shown):
            times = f" ×{event.count}" if event.count > 1 else ""
            weight = number if event.type == "Warning" else 4
            lines.append(Line(f"{event.type} {event.reason}{times}: {event.message}", weight))
    return lines


def _without_empty(lines: list[Line]) -> list[Line]:
    """Drop the headings below which nothing is left."""
    kept: list[Line] = []
    below = -1  # the indentation of the line after this one
    for line in reversed(lines):
        indent = len(line.text) - len(line.text.lstrip())
        if line.text.endswith(":") and below <= indent:
            continue
        kept.append(line)
        below = indent
    return kept[::-1]


def _body(text: str) -> Iterator[Line]:
    dropped_above = -1  # the indentation of a dropped field; -1 without one
    section = ""
    for number, line in enumerate(lines_of(text)):
        if number == MOST_LINES:
            return
        indent = len(line) - len(line.lstrip())
        if dropped_above >= 0 and indent > dropped_above:
            continue
        dropped_above = -1
        field = _FIELD.match(line)
        name = field[2] if field else ""
        if name in _DROPPED or any(part in line for part in _DROPPED_TEXT):
            dropped_above = indent
            continue
        if _TABLE_HEAD.match(line):
            continue
        if indent == 0:
            section = name
        elif section == "Conditions" and line.endswith("True"):
            continue
        yield Line(" " * min(indent // 2, 4) + one_space(line.strip()), _weight(name, section))


def _weight(name: str, section: str) -> int:
    if section == "Conditions":
        return 0
    if section in ("Labels", "Annotations"):
        return 3
    if name in _FIRST:
        return 0
    if name in _SECTIONS or not name:
        return 2 if section in ("Containers", "Init Containers") else 3
    if name in _SECOND:
        return 1
    return 1 if section in ("Containers", "Init Containers") else 3


def event_key(event: Event) -> tuple[str, str]:
    """Return what two events share that say the same."""
    return event.reason, template_of(event.message)[:120]
