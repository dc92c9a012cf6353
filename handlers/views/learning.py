"""The answers about lessons and drafts of SOPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.approvals.outcomes import Outcomes
from bot.incidents.lessons import MOST_CHARS, Lesson
from bot.incidents.model import Incident
from bot.language import _, plural
from handlers.views.forms import form, input_block, value_of
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    inline_code,
    sendable,
    untrusted_line,
)

LISTED = 8  # rows of a ledger


def kept(lesson: Lesson) -> str:
    """The answer to the person who kept a lesson."""
    return _(
        "📌 Kept as a lesson of {number}: the thread shows it, and the next incident of {sop_id} "
        "gets it as a fact. `/sop lessons {name}` lists them."
    ).format(number=lesson.incident, sop_id=inline_code(lesson.sop_id, 64), name=lesson.sop_id)


def buttons(incident_id: int, advice_id: int | None = None) -> list[Block]:
    """The buttons by which a person keeps what an incident taught."""
    place = str(incident_id) if advice_id is None else f"{incident_id} {advice_id}"
    return [
        button(_("Save as lesson…"), "sopbot.lesson", place),
        button(_("Write SOP"), "sopbot.sop_draft", str(incident_id)),
    ]


def lesson_modal(incident: Incident, text: str) -> Block:
    """The modal for a lesson; `text` is proposed, and the person changes it as they like."""
    element = {
        "type": "plain_text_input",
        "action_id": "sopbot.value",
        "multiline": True,
        "max_length": MOST_CHARS,
    }
    if shown := sendable(text)[:MOST_CHARS].strip():
        element["initial_value"] = shown
    return form(
        "sopbot.lesson_modal",
        str(incident.id),
        _("Lesson of {number}").format(number=incident.number),
        _("Save"),
        [
            context(untrusted_line(incident.title, 200)),
            input_block(
                "lesson",
                _("What should the next person know?"),
                element,
                hint=_("Later incidents of this SOP or alert get it as a fact, under your name."),
            ),
        ],
    )


def lesson_of(view: Mapping[str, Any]) -> str:
    """The lesson that the person typed."""
    return value_of(view, "lesson")


def lesson_list(sop_id: str, lessons: Sequence[Lesson]) -> str:
    """The newest lessons of an SOP ID."""
    if not lessons:
        return _("No lesson of {sop_id} yet. `/incident lesson INC-7 text` keeps one.").format(
            sop_id=inline_code(sop_id, 64)
        )
    head = _("*{lessons} of* {sop_id}, the newest first").format(
        lessons=plural(len(lessons), "{count} lesson", "{count} lessons"),
        sop_id=inline_code(sop_id, 64),
    )
    return "\n".join(
        [
            head,
            *(
                _("{id}. `{number}` {text} · <@{user}>, {at}").format(
                    id=lesson.id,
                    number=lesson.incident,
                    text=untrusted_line(lesson.text, 300),
                    user=lesson.user,
                    at=clock(lesson.at),
                )
                for lesson in lessons
            ),
            _("`/sop lessons remove {id}` removes a wrong one.").format(id=lessons[0].id),
        ]
    )


def removed(lesson: Lesson) -> str:
    """The answer to the person who removed a lesson."""
    return _("🗑️ Lesson {id} of {number} is removed: no incident gets it any more.").format(
        id=lesson.id, number=lesson.incident
    )


def draft_requested(number: str) -> str:
    """The answer to the person who asked for a draft."""
    return _(
        "📝 The draft of an SOP comes into the thread of {number} as a file. It does nothing until "
        "a person commits it below SOP_DIR."
    ).format(number=number)


def draft_posted(number: str) -> str:
    """The text of the message with the file."""
    return _(
        "📝 A draft of an SOP from {number}. It does nothing by itself: read it, change it, run "
        "`python -m bot check`, and commit it below SOP_DIR."
    ).format(number=number)


def ledger(rows: Sequence[Outcomes]) -> str:
    """The outcomes of the actions that were proposed under an SOP; empty if there are none."""
    if not rows:
        return ""
    lines = [_("*Outcomes*")]
    for row in rows[:LISTED]:
        text = _(
            "• {action} on {service}: proposed {proposed}, approved {approved}, ran {ran},"
            " helped {helped}, did not help {did_not}"
        ).format(
            action=inline_code(row.action_id, 60),
            service=untrusted_line(row.service or "?", 60),
            proposed=row.proposed,
            approved=row.approved,
            ran=row.ran,
            helped=row.helped,
            did_not=row.did_not_help,
        )
        if row.word:
            text += _(" ({confidence} confidence)").format(confidence=_(row.word))
        lines.append(text)
    return "\n".join(lines)


def opinions(helped: int, did_not: int) -> str:
    """Count the feedback on advice under an SOP; empty if there is none."""
    if not helped + did_not:
        return ""
    return _("Advice: 👍 {helped} · 👎 {did_not}, by people's feedback").format(
        helped=helped, did_not=did_not
    )
