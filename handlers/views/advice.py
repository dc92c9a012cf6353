"""Shows advice: the verdict first, under a header that names its source.

Model text is data, and labelled so. Each of its sentences that states a fact without citing one of
the prompt's ids is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.advice.citations import with_marked_statements
from bot.advice.claims import marked
from bot.advice.model import UNDETERMINED, Advice, Flaw, Shortfall
from bot.language import N_, _, plural
from bot.remediation.suggestions import Suggestion
from handlers.views import learning
from handlers.views.cutting import LONGEST, keep_whole
from handlers.views.newer_blocks import feedback
from handlers.views.suggestions import steps
from handlers.views.text import Block, context, fallback_line, line, quote, section, untrusted_line

# With these limits a message stays under Slack's 13,200 characters in all.
MOST_SOURCES = 8
PART_CHARS = 2_400  # of a long text in one block
PARTS, PARTS_BESIDE_LISTS = 4, 1
WHOLE_FROM = 6_000  # characters of an answer: then the full text has the answer as it came

_SHORTFALLS = {
    Shortfall.CONFIDENCE: N_("The model is not sure enough of its cause."),
    Shortfall.EVIDENCE: N_("The model cites no fact for its cause."),
    Shortfall.ECHO: N_("The answer repeats what it was sent."),
}
_FLAWS = {
    Flaw.ECHO: N_("⚠ The answer repeats what the bot sent: it is no analysis."),
    Flaw.CUT: N_("⚠ The answer ends in the middle: its conclusion may be missing."),
    Flaw.DAMAGED: N_("⚠ The answer was changed on its way: signs or words may be missing."),
}


# Their beginnings, as `bot.advice` writes them.
_MARKS = (N_("⚠ unverified: "), N_("⚠ no source: "), N_("⚠ unknown "))


def advice_message(
    advice: Advice,
    question: str = "",
    asked_by: str = "",
    advice_id: int | None = None,
    suggestions: Mapping[int, Suggestion] | None = None,
    incident_id: int = 0,
) -> tuple[str, list[Block]]:
    """(fallback text, blocks); with `advice_id` people can say whether it was right, and keep it.

    Each step with one of the `suggestions` has a button.
    """
    blocks: list[Block] = [
        section(_("💡 *Advice* · {label}").format(label=untrusted_line(advice.label, 80)))
    ]
    if question:
        who = _("<@{user}> asked").format(user=asked_by) if asked_by else _("Asked")
        # Short, so that the answer begins within the first 200 characters.
        blocks.append(context(f"{who}: {untrusted_line(question, 90)}"))
    if advice.is_structured or not advice.text:
        blocks.append(section(_verdict(advice)))
    blocks += _prose(advice)
    if advice.by_model:
        flaws = [_(_FLAWS[Flaw(name)]) for name in advice.flaws]
        author = untrusted_line(advice.source, 80)
        blocks.append(
            context(
                *flaws,
                _("Written by {author}: not verified, and nothing was done.").format(author=author),
            )
        )
    blocks += _lists(advice, suggestions or {}, advice_id or 0)
    if advice.failure:
        label = _("Asked first") if advice.by_model else _("No model answer")
        blocks.append(context(f"{label}: {untrusted_line(advice.failure, 400)}"))
    if advice.sources:
        blocks.append(_sources(advice))
    if len(advice.raw) >= WHOLE_FROM:
        keep_whole(advice.raw)
    if advice_id is not None:
        blocks.append({"type": "actions", "elements": learning.buttons(incident_id, advice_id)})
        blocks.append(feedback(advice_id))
    cause = fallback_line(_with_marks(advice, advice.cause, supported=True), 200)
    return _("Advice · {label}: {cause}").format(label=line(advice.label, 120), cause=cause), blocks


def _verdict(advice: Advice) -> str:
    confidence = ""
    if advice.confidence and not advice.shortfall:
        confidence = _(" ({confidence} confidence)").format(
            confidence=untrusted_line(_(advice.confidence), 20)
        )
    # The ids below support it: the model names them beside its cause, or within.
    cause = _with_marks(advice, advice.cause, supported=bool(advice.cited))
    verdict = _("*Likely cause{confidence}:* {cause}").format(
        confidence=confidence, cause=line(cause, 600)
    )
    if not advice.shortfall:
        return _fence(verdict)
    guess = _with_marks(advice, advice.guess, supported=bool(advice.cited))
    shown = "> " + _("Its guess: {guess}").format(guess=line(guess, 400)) if guess else ""
    return "\n".join(
        part
        for part in (f"> {verdict}. {_(_SHORTFALLS[Shortfall(advice.shortfall)])}", shown)
        if part
    )


def _prose(advice: Advice) -> Iterator[Block]:
    """The text of the answer in quotations, as many as a message has room for."""
    text = advice.text.strip()
    if not text or text == advice.cause:
        return
    shown = _with_marks(advice, text)
    start = 0
    for _part in range(PARTS_BESIDE_LISTS if advice.is_structured else PARTS):
        end = _end_of_part(shown, start)
        yield section(quote(shown[start:end], 2_800), expand=True)
        start = end
        if start >= len(shown):
            return
    keep_whole(text)
    yield context(
        plural(
            len(shown) - start,
            "… {count} more character in the full text.",
            "… {count} more characters in the full text.",
        )
    )


def _end_of_part(text: str, start: int) -> int:
    """End a part with a line, else with a word, else in the middle of one."""
    end = start + PART_CHARS
    if end >= len(text):
        return len(text)
    for sign in ("\n", " "):
        place = text.rfind(sign, start + PART_CHARS // 2, end)
        if place > 0:
            return place + 1
    return end


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the advice: at most so many items of so many characters are shown.

    An `is_step` item recommends something; one that `is_ours` is no model's.
    """

    title: str
    items: Sequence[str]
    most: int
    chars: int = 250
    is_step: bool = False
    is_numbered: bool = False
    is_ours: bool = False


def _lists(
    advice: Advice, suggestions: Mapping[int, Suggestion], advice_id: int
) -> Iterator[Block]:
    for shown in (
        _List(_("Evidence"), advice.evidence, 6),
        _List(_("Against it"), advice.contrary, 3),
        _List(_("Look at"), advice.look_at, 6, is_ours=True),
        _List(_("Next steps"), advice.next_steps, 8, 300, is_step=True, is_numbered=True),
        _List(_("Open questions"), advice.questions, 3, is_step=True),
    ):
        if shown.items and shown.items is advice.next_steps:
            yield from steps(
                [_fence(text) for text in _listed(advice, shown)], suggestions, advice_id
            )
        elif shown.items:
            yield section(_fence("\n".join(_listed(advice, shown))), expand=True)


def _listed(advice: Advice, shown: _List) -> list[str]:
    lines = [f"*{shown.title}*"]
    for number, item in enumerate(shown.items[: shown.most], start=1):
        text = _with_marks(advice, item, supported=shown.is_ours, in_step=shown.is_step)
        sign = f"{number}." if shown.is_numbered else "•"
        lines.append(f"{sign} {line(text, shown.chars)}")
    if len(shown.items) > shown.most:
        keep_whole("\n".join(shown.items[shown.most :]))
        lines.append(_("… and {count} more").format(count=len(shown.items) - shown.most))
    return lines


def _sources(advice: Advice) -> Block:
    shown = [untrusted_line(name, 80) for name in advice.sources[:MOST_SOURCES]]
    if len(advice.sources) > MOST_SOURCES:
        keep_whole("\n".join(advice.sources[MOST_SOURCES:]))
        shown.append(_("{count} more").format(count=len(advice.sources) - MOST_SOURCES))
    return context(_("Sources: {sources}").format(sources=" · ".join(shown)))


def _with_marks(
    advice: Advice, text: str, *, supported: bool = False, in_step: bool = False
) -> str:
    """The text; in a model's, claims of events and statements without a known id are marked."""
    if text == UNDETERMINED:
        return _(text)
    if not advice.by_model:
        return text
    read, rest = text[:LONGEST], text[LONGEST:]
    read = with_marked_statements(marked(read), advice.ids, supported=supported, in_step=in_step)
    for mark in _MARKS:
        read = read.replace(mark, _(mark))
    return read + rest


def _fence(text: str) -> str:
    """Quote every line: the text is the model's, or the SOP's with an alert's text in it."""
    return "\n".join(f"> {part}" for part in text.splitlines())
