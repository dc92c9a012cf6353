"""Says in plain words why an alert is where it is: the rule, its facts, and the alternatives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.incidents.correlation import Reason
from bot.language import N_, _
from handlers.views.text import line, span, untrusted_line

_WHY = {
    Reason.OPENED: N_("opened this incident: no open incident matches {scope}"),
    Reason.SAME_FINGERPRINT: N_("joined: it is the same alert (same fingerprint)"),
    Reason.EDITED_MESSAGE: N_("joined: its message was edited"),
    Reason.SAME_SCOPE: N_("joined: same environment, service and category{of_scope}"),
    Reason.SAME_SOP: N_("joined: same SOP, environment and service"),
    Reason.ZONE_DOWN: N_("opened as a child of {incident}: zone {zone} is down{gap}"),
    Reason.NODE_DOWN: N_("opened as a child of {incident}: node {node} is down{gap}"),
    Reason.SYMPTOM: N_("opened as a child of {incident}: another symptom of {service}{gap}"),
    Reason.NAMED_ALIKE: N_(
        "opened as a child of {incident}: its host or title has the name of {service}{gap}"
    ),
    Reason.CALLS: N_("opened as a child of {incident}: {caller} is declared to call {callee}{gap}"),
    Reason.DEPLOY: N_("opened as a child of {incident}: {service} was deployed{gap}"),
}
MOST_ALTERNATIVES = 3
_NUMBER = re.compile(r"INC-[0-9]+")


def why(reason: str, facts: Mapping[str, Any], alternatives: Sequence[Sequence[Any]]) -> str:
    """The reason of one alert as a sentence part; another version's reason as it is stored."""
    try:
        text = _(_WHY[Reason(reason)]).format_map(_Facts(facts))
    except (ValueError, KeyError):  # another version wrote it, or before facts were stored
        text = _without_facts(reason)
    if override := facts.get("override"):
        text += _(". The override {override} says how soon it would be reopened").format(
            override=line(str(override), 60)
        )
    if alternatives:
        others = ", ".join(
            f"INC-{number} ({line(str(rule), 60)})"
            for number, rule in list(alternatives)[:MOST_ALTERNATIVES]
        )
        text += _(". Also possible: {others}").format(others=others)
    return text


class _Facts(dict[str, str]):
    """The facts as texts that cannot format anything; KeyError for one that is not there."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__({name: untrusted_line(str(value), 60) for name, value in facts.items()})
        if _NUMBER.fullmatch(str(facts.get("incident", ""))):
            self["incident"] = str(facts["incident"])  # ours: not to be quoted as a stranger's
        known = [
            self[name] for name in ("env", "service", "category") if self.get(name, "-") != "-"
        ]
        self["scope"] = " · ".join(known) or _("it")
        self["of_scope"] = f" ({' · '.join(known)})" if known else ""
        seconds = facts.get("seconds")
        self["gap"] = (
            _(", {duration} apart").format(duration=span(seconds))
            if isinstance(seconds, int) and seconds
            else ""
        )


def _without_facts(reason: str) -> str:
    if reason == Reason.OPENED:
        return _("opened this incident")
    return untrusted_line(_(reason), 200)
