"""The modal in which a person reports an incident, and the answers to a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.incidents.model import Incident, Severity
from bot.language import _, plural
from handlers.views.places import open_thread
from handlers.views.text import Block, plain, sendable, symbol, untrusted_line
from handlers.views.words import word

CALLBACK = "sopbot.report_modal"
LONGEST_TITLE, LONGEST_TEXT, LONGEST_NAME = 150, 3000, 100
MOST_OPTIONS = 100  # of one menu in Slack


def report_modal(
    environments: Sequence[str],
    *,
    title: str = "",
    text: str = "",
    severity: Severity = Severity.HIGH,
    place: str = "",
) -> Block:
    """The modal, with defaults. `environments` are the declared ones.

    `place` is the channel of the report, with the ts of the message that it is about, if it is
    about one: `C0ALERTS01` or `C0ALERTS01/1795.000100`.
    """
    about = _("Fix the title so that others understand it.") if "/" in place else ""
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": place,
        "title": _plain(_("Report an incident")),
        "submit": _plain(_("Open incident")),
        "close": _plain(_("Cancel")),
        "blocks": [
            _input(
                "title",
                _("What is wrong?"),
                {**_text("sopbot.title", LONGEST_TITLE), **_initial(plain(title, LONGEST_TITLE))},
                hint=about or _("A few words, as “Checkout fails for card payments”."),
            ),
            _input("severity", _("Severity"), _menu("sopbot.severity", _severities(), severity)),
            _input(
                "service",
                _("Service"),
                _text("sopbot.service", LONGEST_NAME),
                hint=_("If an incident of this service is open, your report joins it."),
                optional=True,
            ),
            *_environment(environments),
            _input(
                "text",
                _("What do you see?"),
                {
                    **_text("sopbot.text", LONGEST_TEXT),
                    "multiline": True,
                    **_initial(text.strip()[:LONGEST_TEXT]),
                },
                optional=True,
            ),
        ],
    }


def _environment(environments: Sequence[str]) -> list[Block]:
    """The menu of the declared environments, the first one chosen; no menu if none is declared."""
    options = [(plain(name, 70), name) for name in environments[:MOST_OPTIONS] if name]
    if not options:
        return []
    menu = _menu("sopbot.environment", options, options[0][1])
    return [_input("environment", _("Environment"), menu)]


def _severities() -> list[tuple[str, str]]:
    return [(symbol(severity), str(severity)) for severity in Severity]


def _menu(action_id: str, options: Sequence[tuple[str, str]], chosen: str) -> Block:
    made = {value: {"text": _plain(text), "value": value} for text, value in options}
    return {
        "type": "static_select",
        "action_id": action_id,
        "options": list(made.values()),
        "initial_option": made[str(chosen)],
    }


def _text(action_id: str, longest: int) -> Block:
    return {"type": "plain_text_input", "action_id": action_id, "max_length": longest}


def _initial(text: str) -> Block:
    return {"initial_value": sendable(text)} if sendable(text) else {}


def _input(
    block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": _plain(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _plain(hint)} if hint else block


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def values_of(view: dict[str, Any]) -> dict[str, str]:
    """The values of the submitted modal by block: typed text, or the value of the chosen option."""
    values = view.get("state", {}).get("values", {})
    fields: dict[str, str] = {}
    for block_id, elements in values.items():
        for element in elements.values():
            chosen = element.get("selected_option") or {}
            fields[block_id] = str(element.get("value") or chosen.get("value") or "")
    return fields


def answer(incident: Incident | None, place: tuple[str, str] | None, *, opened: bool) -> str:
    """The answer to the person who reported; `place` is the card of the incident, once posted."""
    if incident is None:
        return _(
            "No incident was opened: a silence suppresses it. `/incident list silences` "
            "shows the silences in force."
        )
    head = f"`{incident.number}` {untrusted_line(incident.title, 120)}"
    link = f" {open_thread(*place)}" if place else ""
    if opened:
        opened_text = _("Opened {incident}. Its card is in <#{channel}>.")
        return opened_text.format(incident=head, channel=incident.channel) + link
    return (
        _(
            "Your report joined {incident}, which is open with {alerts}: its thread quotes you."
        ).format(
            incident=head, alerts=plural(incident.alert_count, "{count} alert", "{count} alerts")
        )
        + link
    )


def known_already(incident: Incident, place: tuple[str, str] | None) -> str:
    """The answer to a person who opens an incident from a message of one."""
    link = f" {open_thread(*place)}" if place else ""
    return (
        _("Nothing was opened: this message is part of `{number}`, which is {status}.").format(
            number=incident.number, status=word(incident.status)
        )
        + link
    )
