"""Lists the alerts of an incident, a page at a time, each with the reason why it joined."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import GroupedAlert, GroupedAlerts, Incident
from bot.language import N_, _, plural
from handlers.views.cutting import collect_cut_texts
from handlers.views.text import Block, button, clock, context, section, symbol, untrusted_line
from handlers.views.why import why
from handlers.views.words import word

PAGE = 10
MAX_LABELS = 5

_IDENTIFYING = (
    "instance",
    "host",
    "hostname",
    "node",
    "pod",
    "container",
    "device",
    "mountpoint",
    "queue",
    "topic",
)
_SHOWN_ELSEWHERE = {"alertname", "severity"}


_GUESSED = {
    "service": N_("service guessed from the title"),
    "env": N_("environment guessed from a name"),
}


def alerts_modal(incident: Incident, page: GroupedAlerts, offset: int) -> Block:
    """The modal: firing alerts first, and of these the most severe first."""
    source = f"{incident.id} {offset}"
    with collect_cut_texts() as texts:
        blocks = _list(incident, page)
    buttons = _turns(incident, page, offset)
    if texts:
        buttons.append(button(_("Full text"), "sopbot.full_text", f"alerts {source}"))
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return {
        "type": "modal",
        "callback_id": "sopbot.alerts_modal",
        "private_metadata": source,
        "title": {
            "type": "plain_text",
            "text": _("Alerts of {number}").format(number=incident.number)[:24],
        },
        "close": {"type": "plain_text", "text": _("Close")},
        "blocks": blocks,
    }


def _list(incident: Incident, page: GroupedAlerts) -> list[Block]:
    blocks: list[Block] = [
        section(
            _("*{alerts} grouped in* `{number}`: {firing} firing, sent {times}").format(
                alerts=plural(page.total, "{count} alert", "{count} alerts"),
                number=incident.number,
                firing=page.firing,
                times=plural(incident.alert_count, "{count} time", "{count} times"),
            )
        ),
        context(
            _("The card shows the most severe one that fires; of equal ones, the longest firing.")
        ),
    ]
    differing = _differing_labels(page.alerts)
    for alert in page.alerts:
        blocks += [{"type": "divider"}, *_alert(alert, differing)]
    return blocks


def page_of(view: Block) -> tuple[str, int]:
    """The incident and the offset of the open page."""
    incident, _sep, offset = str(view.get("private_metadata", "")).partition(" ")
    return incident, int(offset) if offset.isascii() and offset.isdigit() else 0


def _differing_labels(alerts: Sequence[GroupedAlert]) -> list[str]:
    """The names of the labels whose values differ between the alerts."""
    names = sorted({name for alert in alerts for name in alert.labels} - _SHOWN_ELSEWHERE)
    return [name for name in names if len({alert.labels.get(name) for alert in alerts}) > 1]


def _labels(alert: GroupedAlert, differing: Sequence[str]) -> str:
    """The labels that distinguish this alert from the others, the machine or part first."""
    names = [name for name in (*_IDENTIFYING, *differing) if alert.labels.get(name)]
    return " · ".join(
        f"{untrusted_line(name, 40)} {untrusted_line(alert.labels[name], 80)}"
        for name in list(dict.fromkeys(names))[:MAX_LABELS]
    )


def _alert(alert: GroupedAlert, differing: Sequence[str]) -> list[Block]:
    mark = (
        symbol(alert.severity)
        if alert.is_firing
        else _("✅ resolved ({severity})").format(severity=word(alert.severity))
    )
    title = untrusted_line(alert.title, 200) or _("(no title)")
    name = untrusted_line(alert.name, 80)
    facts = [
        "" if not name or name == title else name,
        _("value {value}").format(value=untrusted_line(alert.value, 80)) if alert.value else "",
        _("since {at}").format(at=clock(alert.since)),
        _("from {source}").format(source=untrusted_line(alert.source, 40)),
        _("sent {times}").format(times=plural(alert.count, "{count} time", "{count} times"))
        if alert.count > 1
        else "",
        *(_(_GUESSED[field]) for field in alert.guessed if field in _GUESSED),
    ]
    return [
        section(f"{mark} · {title}"),
        context(
            _labels(alert, differing),
            " · ".join(fact for fact in facts if fact),
            why(alert.reason, alert.facts, alert.alternatives),
        ),
    ]


def _turns(incident: Incident, page: GroupedAlerts, offset: int) -> list[Block]:
    value = str(incident.id)
    turns = []
    if offset:
        turns.append(button(_("Back"), "sopbot.alerts.back", value))
    if offset + len(page.alerts) < page.total:
        turns.append(button(_("More"), "sopbot.alerts.more", value))
    return turns
