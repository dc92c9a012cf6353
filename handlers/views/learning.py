"""The answers about lessons and drafts of SOPs."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.lessons import Lesson
from bot.language import _, plural
from handlers.views.text import clock, inline_code, untrusted_line


def kept(lesson: Lesson) -> str:
    """The answer to the person who kept a lesson."""
    return _(
        "📌 Kept as a lesson of {number}: the thread shows it, and the next incident of {sop_id} "
        "gets it as a fact. `/sop lessons {name}` lists them."
    ).format(number=lesson.incident, sop_id=inline_code(lesson.sop_id, 64), name=lesson.sop_id)


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
                _("`{number}` {text} · <@{user}>, {at}").format(
                    number=lesson.incident,
                    text=untrusted_line(lesson.text, 300),
                    user=lesson.user,
                    at=clock(lesson.at),
                )
                for lesson in lessons
            ),
        ]
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


def opinions(helped: int, did_not: int) -> str:
    """Count the feedback on advice under an SOP; empty if there is none."""
    if not helped + did_not:
        return ""
    return _("Advice: 👍 {helped} · 👎 {did_not}, by people's feedback").format(
        helped=helped, did_not=did_not
    )
