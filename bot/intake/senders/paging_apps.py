"""The Slack messages of apps that page people: PagerDuty, Opsgenie, New Relic, Pingdom and others.

All of them post one message for each change of an incident: its state stands beside its title,
and a link leads to the incident. The title is the alert's own, so no state is read from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.incidents.model import GUESS, Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses
from bot.intake.cleaning import one_line, parse_words, title_of
from bot.intake.delimiters import without_actor
from bot.intake.drafting import Draft, activity_about, still
from bot.intake.headline import read_headline
from bot.intake.lines import read_lines
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

State = AlertStatus | ActivityKind
_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


@dataclass(frozen=True, slots=True)
class _App:
    """One app: its source, the words of its name in Slack, the address of an incident, its titles.

    `identity` is the name of what the address identifies, as in the sender's webhook where that has
    the same id. `names_checks`: its titles are names of checks, which say the service.
    """

    source: str
    names: tuple[str, ...]
    address: re.Pattern[str]
    identity: str
    titles: tuple[re.Pattern[str], ...]
    names_checks: bool = False


def _titles(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns of whole lines; the group `title` is the alert's own title."""
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_NUMBER = r"#(?P<number>\d{1,12})\]?"
_APPS = (
    _App(
        "pagerduty",
        ("pagerduty",),
        re.compile(r"pagerduty\.com/incidents/(\w{1,40})"),
        "incident",
        _titles(rf"[^#]{{0,80}}{_NUMBER}(?: \((?P<service>[^()]{{1,80}})\))?:? (?P<title>\S.*)"),
    ),
    _App(
        "opsgenie",
        ("opsgenie", "jira service management"),
        re.compile(r"(?:opsgenie\.com|atlassian\.net)/\S{0,200}?alert/(?:detail/)?([\w-]{3,80})"),
        "alert",
        _titles(
            rf"[^#]{{0,80}}{_NUMBER}:? [\"“](?P<title>[^\"”]+)[\"”].*",
            rf"{_NUMBER}:? (?P<title>\S.*)",
        ),
    ),
    _App(
        "newrelic",
        ("new relic", "newrelic"),
        re.compile(r"newrelic\.com/\S{0,200}?issues?/([\w-]{3,80})"),
        "issue",
        _titles(r"(?!.{0,60}\b(?:issue|incident) (?:is|was|has been) )(?P<title>[^#\s].*)"),
    ),
    _App(
        "pingdom",
        ("pingdom",),
        re.compile(r"pingdom\.com/\S{0,200}?(?:checks?|uptime|detail)[/#=]+(\d{3,20})"),
        "check",
        _titles(
            r"(?:incident #\d{1,20} )?(?P<title>\S.*?)(?: \([^()]{1,200}\))?"
            r" (?:is|has|went)(?: gone| come)?(?: back)? (?:down|up)\b.*"
        ),
        names_checks=True,
    ),
    _App(
        "statuspage",
        ("statuspage",),
        re.compile(r"/incidents/([a-z0-9]{4,40})\b"),
        "incident",
        _titles(
            r"\[[^\]]{1,40}\] (?P<title>\S.*?)(?: View)?",
            r"(?P<title>\S.*?) - (?:investigating|identified|monitoring|update|resolved)",
            r"(?P<title>\S.*)",
        ),
    ),
    _App(
        "betterstack",
        ("better stack", "betterstack", "better uptime", "betteruptime"),
        re.compile(r"(?:betterstack|betteruptime)\.com/\S{0,200}?incidents/(\d{1,20})"),
        "incident",
        _titles(
            r"new incident(?: for| on)?:? (?P<title>\S.*)",
            r"(?:automatically )?(?:resolved|acknowledged|reopened|escalated)"
            r"(?: incident(?: for| on)?:?)? (?P<title>\S.*?)(?: incident)?",
            r"(?P<title>\S.*?) (?:is|went)(?: back)? (?:down|up)\b.*",
        ),
        names_checks=True,
    ),
    _App(
        "grafana-oncall",
        ("oncall",),
        re.compile(r"/alert-groups/(\w{2,40})"),
        "alert_group",
        _titles(rf"{_NUMBER} (?P<title>\S.*?)\*? via .*", rf"{_NUMBER} (?P<title>\S.*)"),
    ),
)

_WORDS: tuple[tuple[State, str], ...] = (
    (ActivityKind.UNACKNOWLEDGED, "unacknowledged|acknowledgement expired"),
    (ActivityKind.ACKNOWLEDGED, "acknowledged|acked"),
    (ActivityKind.ASSIGNED, "assigned|reassigned|delegated|took ownership"),
    (ActivityKind.SILENCED, "snoozed|silenced|muted"),
    (ActivityKind.COMMENTED, "added a note|note added|annotated|commented"),
    (ActivityKind.UPDATED, "merged|priority changed|scheduled|maintenance"),
    (_RESOLVED, "resolved|closed|recovered|back up|come up|up again|is up|deactivated"),
    (_FIRING, "triggered|reopened|escalated|activated|created|opened|new alert|new incident"),
    (_FIRING, "is down|gone down|went down|investigating|identified|monitoring|update|firing"),
)
_STATE = re.compile(
    "|".join(rf"(?P<s{at}>\b(?:{verbs})\b)" for at, (_, verbs) in enumerate(_WORDS)), re.IGNORECASE
)
_BY = re.compile(rf"(?:{_STATE.pattern})\W{{1,3}}by (?P<actor>\S.*)", re.IGNORECASE)
_LEADING = re.compile(r"^[^\w#\[\"“]+")
_TITLED = ("opsgenie", "statuspage")
"""The apps whose attachments have a title of their own, which is the alert's."""
_SERVICE_FIELDS = (
    "service", "impacted service", "monitor", "impacted entities", "components",
    "affected components", "entity",
)  # fmt: skip
_SEVERITY_FIELDS = ("priority", "severity", "urgency", "impact")
_STATE_FIELDS = ("status", "state")
_THINGS = parse_words("alert issue incident priority is was has been automatically new")
_LONGEST_NAME = 4  # words
_LINES = 24
_LONGEST = 400  # characters of a line


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse a message of one of these apps, else return None."""
    sender = message.sender.lower()
    app = next((app for app in _APPS if any(name in sender for name in app.names)), None)
    if app is None:
        return None
    lines = list(dict.fromkeys(_lines(message)))
    title, groups = _find_title(app, message, lines)
    return _result(app, message, lines, title, groups) if title else None


def _lines(message: SlackMessage) -> Iterator[str]:
    """Yield the lines of the headlines, without the marks and emoji before them."""
    left = _LINES
    for headline in message.headlines:
        for line in headline.split("\n", _LINES)[:_LINES]:
            if text := _LEADING.sub("", title_of(bare(line[:_LONGEST]))):
                yield text.rstrip("*_ ")
                left -= 1
                if not left:
                    return


def _find_title(
    app: _App, message: SlackMessage, lines: list[str]
) -> tuple[str, Mapping[str, str | None]]:
    """Return the title, and the groups of the pattern that fits; ('', {}) if none does."""
    attached = message.attachments[0].title if message.attachments else ""
    for pattern in app.titles:
        for line in lines:
            if (match := pattern.fullmatch(line)) is None:
                continue
            title = bare(attached) if attached and app.source in _TITLED else match["title"]
            if title := _LEADING.sub("", title_of(title)).strip("*_ "):
                return title, match.groupdict()
    return "", {}


def _result(
    app: _App,
    message: SlackMessage,
    lines: list[str],
    title: str,
    groups: Mapping[str, str | None],
) -> Alert | Activity:
    state, actor, where = _state(message, lines, title)
    if state is not _FIRING:
        title = without_actor(title)
    headline = read_headline(title)
    ids = (match[1] for _, url in message.links if (match := app.address.search(url)))
    number = groups.get("number") or ""
    incident_id = next(ids, "") or number
    identity = {app.identity: incident_id} if incident_id else {"title": still(headline.subject)}
    if isinstance(state, ActivityKind):
        return activity_about(app.source, identity, state, message.text, actor=actor)
    fields = message.fields
    if app.source == "grafana-oncall":  # it quotes the alert's labels, a line each
        fields = {**read_lines(message.text).labels, **fields}
    labels = {**_tags(fields.get("tags", "")), app.identity: incident_id, "number": number}
    service = groups.get("service") or labels.get("service", "") or _one_of(fields, _SERVICE_FIELDS)
    read_from = {"status": where, "severity": "text", "title": "title", "env": GUESS}
    if not service and app.names_checks:
        service = guesses.subject_of(headline.subject.replace(" ", "-")) or headline.subject
        read_from["service"] = GUESS
    return Draft(
        source=app.source,
        status=state,
        name=headline.title,
        title=headline.title,
        text=message.text,
        env=guesses.env_of(labels)[0] or guesses.env_inside(service.replace(" ", "-")),
        service=service,
        severity=_severity(fields, lines),
        labels={name: text for name, text in labels.items() if text},
        links=message.links,
        identity=identity,
        read_from=read_from,
        raw=message.raw,
    ).alert()


def _state(message: SlackMessage, lines: list[str], title: str) -> tuple[State, str, str]:
    """Return the state, who did it, and where that was read.

    `Resolved by Ana` comes before any other line, because an app keeps the first message and
    changes it. The words of the title say nothing: it is the alert's own.
    """
    for line in reversed(lines):
        if (match := _BY.fullmatch(line)) is not None:
            return _of(match), one_line(match["actor"], 80), "text"
    beside = (rest for line in lines if title in line for rest in line.split(title))
    for text, where in (
        *((rest, "title") for rest in beside),
        *((message.fields.get(name, "")[:_LONGEST], f"label {name}") for name in _STATE_FIELDS),
        *((line, "text") for line in lines if title not in line),
    ):
        if (match := _STATE.search(text)) is not None:
            return _of(match), _actor(text[: match.start()]), where
    return (message.colour, "", "colour") if message.colour else (_FIRING, "", GUESS)


def _actor(before: str) -> str:
    """Return the person before a verb: `Ana Lima acknowledged alert #12`; '' without one."""
    names = before.strip(" *_:#.").split()
    is_thing = any(name.lower() in _THINGS for name in names)
    return "" if is_thing or len(names) > _LONGEST_NAME else one_line(" ".join(names), 80)


def _of(match: re.Match[str]) -> State:
    return next(state for at, (state, _) in enumerate(_WORDS) if match[f"s{at}"])


def _one_of(fields: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first of these fields; several services are no one service."""
    text = next((fields[name] for name in names if fields.get(name)), "")
    return "" if "," in text or "\n" in text else one_line(text)


def _severity(fields: Mapping[str, str], lines: list[str]) -> str:
    """Return the word of a field, else that of `Critical priority issue is activated`."""
    for name in _SEVERITY_FIELDS:
        if fields.get(name):
            return fields[name]
    for line in lines:
        word = line.partition(" priority ")[0]
        if word != line and known_severity(guesses.severity_spoken(word)):
            return word
    return ""


def _tags(text: str) -> dict[str, str]:
    tags = {}
    for tag in text.split(",")[:50]:
        name, mark, value = tag.strip().partition(":")
        if mark and name:
            tags[name.strip()] = value.strip()
        elif guesses.looks_like_env(name):
            tags["env"] = name
    return tags
