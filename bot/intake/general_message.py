"""Accepts every message that no other parser knows: one alert that shows its text.

Nothing is ever dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.incidents.model import GUESS, Alert, AlertStatus, Severity
from bot.incidents.severity_words import known_severity, severity_of
from bot.intake import guesses, states
from bot.intake.activity import reported_action
from bot.intake.cleaning import TEXT_LIMIT, TITLE_LIMIT, one_line, parse_words, title_of
from bot.intake.drafting import Draft, identifying, still
from bot.intake.env_titles import env_of_title
from bot.intake.headings import is_heading
from bot.intake.headline import LOOKED_AT, Headline, read_headline
from bot.intake.inline_pairs import IDENTIFYING, identity_of, without_pairs
from bot.intake.label_names import (
    NOW_FIELDS,
    STATE_FIELDS,
    is_fact,
    naming_label,
    start_in,
    tags_in,
    tells,
    with_our_names,
)
from bot.intake.lines import read_lines, row_of
from bot.intake.members import part_that_fires
from bot.intake.reading import Activity
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_HEADLINES_READ = 12


@dataclass(frozen=True, slots=True)
class _Title:
    """The line that says what a message is about, and what the lines before it say of its state.

    `pairs` stand behind these lines.
    """

    text: str
    headline: Headline
    before: tuple[Headline, ...]
    behind: str
    pairs: Mapping[str, str]


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Return an alert from any message with readable content; None when it is empty.

    If the message reports what a person did to an alert, return that: the end of the alert, or
    activity about it.
    """
    text, is_mixed = part_that_fires(message.text)
    lines = read_lines(text)
    fields = {name.replace(" ", "_"): value for name, value in message.fields.items()}
    labels = {**lines.labels, **with_our_names(fields)}
    title = _title(message, labels)
    if title is None:
        return None
    stated = {name: text for name, text in title.pairs.items() if name not in STATE_FIELDS}
    stated = with_our_names(stated)
    # A row of the title's own line may hold all its pairs: `OK: X | service=cart env=prod`.
    rows = {k: v for k, v in labels.items() if not (k in stated and v.startswith(f"{stated[k]} "))}
    labels = {**tags_in(labels), **stated, **rows}
    if is_mixed:
        return _alert(message, title, labels, lines.annotations, AlertStatus.FIRING)
    action = reported_action(title.text)
    if action is None:
        return _alert(message, title, labels, lines.annotations)
    title = _Title(action.subject, read_headline(action.subject), (), "", title.pairs)
    ended = AlertStatus.RESOLVED if action.kind is None else None
    alert = _alert(message, title, labels, lines.annotations, ended)
    if action.kind is None:
        return alert
    return Activity(
        kind=action.kind,
        source=alert.source,
        fingerprint=alert.fingerprint,
        text=alert.text,
        actor=one_line(action.actor),
        name=alert.name,
    )


def _alert(
    message: SlackMessage,
    title: _Title,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    stated: AlertStatus | None = None,
) -> Alert:
    name_label = next(
        (labels[key] for key in ("alertname", "alert", "alert_name") if key in labels), ""
    )
    subject = theme(title.headline, title.behind)
    named = {key: labels[key] for key in sorted(IDENTIFYING) if key in labels}
    # A template may write `ALARM: X` and `OK: X`: the title says the same as the label.
    named = {
        key: text for key, text in named.items() if key not in _NAMES or not _same(text, subject)
    }
    status, status_from = (stated, "text") if stated else status_of_message(title, message, labels)
    severity, severity_from = _severity(title, labels)
    if status_from == "colour" and severity_of(severity) is Severity.LOW:
        status = AlertStatus.FIRING  # senders paint their lowest severity green
    starts_at = start_in(labels)
    env = "" if guesses.env_of(labels)[0] else env_of_title(title.text)
    return Draft(
        source="generic",
        status=status,
        name=name_label or title.headline.title or title.text,
        title=title.headline.title or title.text,
        text=message.text,
        env=env,
        severity=severity,
        labels={**labels, **({"sender": message.sender} if message.sender else {})},
        annotations=annotations,
        starts_at=None if status is AlertStatus.RESOLVED else starts_at,
        links=message.links,
        identity={
            **identity_of(title.pairs),
            "sender": message.sender,
            "title": subject,
            **identifying(named),
        },
        read_from={
            "status": status_from,
            "severity": severity_from,
            "title": "title",
            **({"env": GUESS} if env else {}),
        },
        raw=message.raw,
    ).alert()


_NAMES = parse_words("alert alertname name")


def _same(text: str, subject: str) -> bool:
    """Return True if a label names what the title is about."""
    return still(read_headline(text).subject) in subject


def _severity(title: _Title, labels: Mapping[str, str]) -> tuple[str, str]:
    if word := guesses.severity_in(labels):
        return word, "label"
    for name in STATE_FIELDS:  # Nagios and Sensu write a severity where others write a state
        if known_severity(word := guesses.severity_spoken(labels.get(name, ""))) is not None:
            return word, f"label {name}"
    for headline in (*title.before, title.headline):
        if headline.severity:
            return headline.severity, "title"
    spoken = (
        guesses.severity_word(text) for text in (title.text, *(h.title for h in title.before))
    )
    return next(filter(None, spoken), ""), "title"


def _title(message: SlackMessage, labels: Mapping[str, str]) -> _Title | None:
    """Return the first line that says something of its own, or below a heading the label that
    names what the message is about.

    A mention, a lone state word and the sender's own name are headings of every message that this
    sender writes; they are not what the message is about. Neither is a row such as `Server: db-1`,
    while a row such as `Message: dump failed` says it.
    """
    sender = frozenset(states.folded(message.sender).split())
    lines = list(_lines(message))
    before: list[Headline] = []
    is_below = False
    names, pairs = naming_label(labels), dict[str, str]()
    for index, (line, text, behind_it) in enumerate(lines):
        pairs = {**behind_it, **pairs}
        names = names or naming_label(pairs)
        if (row := row_of(line)) is not None:
            if is_fact(*row):
                is_below = True
                continue
            line, text = (row[1], row[1]) if tells(row[0]) else (line, text)
        headline = read_headline(text)
        if not is_heading(headline, text, sender, names):
            name = title_of(names)
            if (before or is_below) and name and (name not in line or line.endswith(name)):
                return _Title(names, read_headline(names), tuple(before), "", pairs)
            behind = next((other for _, other, _ in lines[index + 1 :] if other != text), "")
            return _Title(line, headline, tuple(before), behind, pairs)
        before.append(headline)
    if name := title_of(names):
        return _Title(name, read_headline(name), tuple(before), "", pairs)
    # A message may hold only a mention, a picture, a button or "***".
    first = lines[0][0] if lines else ""
    label, url = message.links[0] if message.links else ("", "")
    text = first or title_of(label) or title_of(url) or one_line(message.text, TITLE_LIMIT)
    return _Title(text, read_headline(text), tuple(before), "", pairs) if text else None


def subject_of(message: SlackMessage) -> str:
    """Return what identifies a message by its title alone, or ''."""
    title = _title(message, {})
    return theme(title.headline, title.behind) if title else ""


def _lines(message: SlackMessage) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (line as shown, line with its emoji, the pairs behind it) of the headlines, then of the
    text; both lines without these pairs.
    """
    left = _HEADLINES_READ
    for text in (*message.headlines, message.text):
        for whole in text.split("\n", _HEADLINES_READ)[:_HEADLINES_READ]:
            line, pairs = without_pairs(whole)
            if shown := title_of(bare(line)):
                yield shown, line[:LOOKED_AT].strip(), pairs
                left -= 1
                if not left:
                    return


def theme(headline: Headline, behind: str = "") -> str:
    """Return what identifies a titled message: its subject without numbers.

    If too little is left, the next line is part of it.
    """
    subject = still(headline.subject).strip()
    if subject == "#":  # "Incident 42": the number is all there is
        return headline.subject.strip()
    return subject if len(subject) >= _SHORTEST_THEME else f"{subject} {still(behind)}".strip()


_SHORTEST_THEME = 4


def status_of_message(
    title: _Title, message: SlackMessage, labels: Mapping[str, str]
) -> tuple[AlertStatus, str]:
    """Return the status and where it was read: a state field, the title, or the colour.

    A word that stands apart (`[Recovered]`, `OK:`) beats the colour; the colour beats a word inside
    the title, which may be part of the alert's name ("backup failed"). Green beside such a word is
    a recovery only if another line says so: an incident must not close by a guess.
    """
    for field in STATE_FIELDS:
        text = labels.get(field, "")
        if field in NOW_FIELDS and not states.is_alone(text):
            continue  # `Now: up 40 %`
        if status := states.state_of(text):
            return status, f"label {field}"
    headlines = (*title.before, title.headline)
    marked = {headline.state for headline in headlines if headline.is_marked}
    for status in (AlertStatus.RESOLVED, AlertStatus.FIRING):
        if status in marked:
            return status, "title"
    shown_state = title.headline.state
    if title.headline.is_announced and message.colour is not None:
        shown_state = None
    if message.colour is AlertStatus.RESOLVED:
        if shown_state is not AlertStatus.FIRING or _says_resolved(message, headlines):
            return AlertStatus.RESOLVED, "colour"
        return AlertStatus.FIRING, "title"
    if shown_state is not None:
        return shown_state, "title"
    stated = (headline.state or states.state_of(headline.title) for headline in title.before)
    heading = next(filter(None, stated), None)
    if message.colour is None and heading is not None:
        return heading, "title"
    emoji = next((headline.emoji for headline in reversed(headlines) if headline.emoji), None)
    if message.colour is None and emoji is not None:
        return emoji, "title"
    return (message.colour, "colour") if message.colour else (AlertStatus.FIRING, "guess")


def _says_resolved(message: SlackMessage, headlines: Sequence[Headline]) -> bool:
    if any(headline.emoji is AlertStatus.RESOLVED for headline in headlines):
        return True
    return any(
        AlertStatus.RESOLVED in (read_headline(line).state, states.state_of(line))
        for line in message.text[:TEXT_LIMIT].split("\n")[:_HEADLINES_READ]
    )
