"""Makes untrusted text safe for Slack; also the small helpers that every view uses.

The text of an alert, a model, a gateway or a person must not command Slack (by a mention or a
link), break the card (by formatting that swallows the rest), or imitate the bot. `line`,
`paragraph` and `inline_code` prevent the first two; `untrusted_line` prevents all three.

An operator's own text (of a SOP, the policy, the services) is plain too: the views pass it through
these functions, so `*bold*` in it shows its signs. Only the views format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from bot.incidents.confusables import fold, one_stroke
from bot.incidents.model import Severity
from bot.language import N_, _
from handlers.views.cutting import LONGEST, SECTION_LIMIT, cut, cut_line, cut_section

Block = dict[str, Any]

_SPACE = re.compile(r"\s+")
# Control characters, lone surrogates, and invisible or direction-changing characters.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e"
    r"\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e0fff]"
    # Some scripts and emoji need joiners; between Latin letters joiners only hide.
    r"|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")

_NO_FENCE = "'''"  # replaces ```, which would begin or end a code block

# Each formatting sign of Slack, and a sign that looks the same but does not format. `_` formats at
# the edge of a word only, so names_like_this stay as they are and can be copied.
_FORMATTING = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BOLD = re.compile(r"(?<![\w*])\*{1,2}(?=[^\s*])([^*\n]{1,200}?)(?<=\S)\*{1,2}(?![\w*])")
_EMOJI_CODE = re.compile(r":(?=(?:[0-9_+'-]*[a-z][a-z0-9_+'-]*|[+-]1|100|1234):)", re.IGNORECASE)
# The bot's own marks, and signs that look like them: untrusted text shows none of these.
_MARKS = re.compile(
    "[✅☑✔✓🗸🗹🟢🔴🟠🟡🟥🟧🟨🟩🔵🔶🔸🔹🔷🔐🔒🔓🔏🔑👍👎🚫⛔⌛⏳▶►❌✖✗✘❎❓↩↪↗⬈💡🔎👀🧊📝🌩🌤🧰🆗🔁🔌🔺🔻🔔🔕💤🕘⏸⏯⏹⏰✍📄📌🔗🗄🤝📣📈📋🗑💭█○◐]"
)
# Words that only the bot may use: a status, a decision, a button, an incident's number.
# `_` stands for any separator of two words or none: a space, a dash of any length.
_WORDS = (
    "ack[e']?d|acknowledged?|approved?|approver|approvals?|awaiting|dry_run|expired|(?:un)?frozen",
    r"inc_\d+|needs_\d+_more|outcome_unknown|propose[ds]?|rejected?|re_opened",
    "remediation_(?:succeeded|failed)|resolved?|revoked|silenced|sopbot|(?:closed|stopped)_by",
    "storm_over|suppressed|undone|(?:un)?verified",
    # German, as `fold` writes it: without the dots of ä, ö and ü.
    "abgelehnt|abgelaufen|bestatigt|(?:ein)gefroren|freigegeben|freigaben?|freigebende[rn]?|gelost",
    "widerrufen|verifiziert|ausgang_unbekannt|ruckgangig_gemacht|unterdruckt|verwaist|sturm_vorbei",
    r"vorgeschlagen|wieder_offnen|braucht_\d+_weitere",
)
_BANDS = (
    *("critical", "high", "medium", "low"),
    *("kritisch", "hoch", "mittel", "niedrig"),
)


def _own_words(phrases: Iterable[str], bands: Iterable[str]) -> re.Pattern[str]:
    """Matches lower-case text only: with IGNORECASE the same search takes three times as long.

    A word ends where no letter follows: a reader still reads it with a digit or a sign beside it,
    though `\\b` takes some signs for a part of the word.
    """
    word = "|".join(phrases).replace("_", "[^a-z0-9]*")
    return re.compile(rf"(?<![a-z])(?:(?:{word})(?![a-z])|(?:{'|'.join(bands)})\s?[·•∙⋅‧・᛫ꞏ])")


_OURS = _own_words(_WORDS, _BANDS)
_OURS_BY_STROKES = _own_words(
    # `one_stroke` has turned the digit 1 of a number into a stroke.
    ("|".join(map(one_stroke, part.split("|"))).replace(r"\d", r"[\di]") for part in _WORDS),
    map(one_stroke, _BANDS),
)
_JOINT = re.compile(r"(?<=[a-z])[^a-z0-9\s]+(?=[a-z])")

SYMBOL = {
    # Word and shape, never colour alone.
    Severity.CRITICAL: N_("🔴 CRITICAL"),
    Severity.HIGH: N_("🔶 HIGH"),
    Severity.MEDIUM: N_("🟨 MEDIUM"),
    Severity.LOW: N_("🔹 LOW"),
}


def symbol(severity: Severity) -> str:
    """The severity as the views show it."""
    return _(SYMBOL[severity])


def escape(text: str) -> str:
    """Text that Slack shows and never obeys: it causes no mention, no link and no broadcast."""
    text = _clean(text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, limit: int) -> str:
    """One escaped line of at most `limit` characters, counted as Slack does: after escaping.

    It has no formatting, no emoji code and none of the bot's marks.
    """
    return escape(_one_line(text, limit))


def fallback_line(text: str, limit: int) -> str:
    """A line for the fallback text of a message whose blocks show all of it."""
    return escape(_one_line(text, limit, keep=False))


def untrusted_line(text: str, limit: int) -> str:
    """A line of untrusted text, in quotation marks if a reader could take it for the bot's."""
    shown = _one_line(text, limit)
    if imitates_bot(shown):
        shown = _one_line(_unquoted(text), limit - 2)
        return f"“{escape(shown)}”"
    return escape(shown)


@lru_cache(maxsize=512)  # each card repeats words of the last ones, and is rendered many times
def imitates_bot(text: str) -> bool:
    """True if a reader could take it for the bot's own status words, decisions or buttons."""
    # A sign separates two words for a reader, or hides one from the search: both are tried.
    folded = fold(text).lower()
    reads = {folded, _JOINT.sub("", folded)}
    return any(_OURS.search(read) or _OURS_BY_STROKES.search(one_stroke(read)) for read in reads)


def typed(text: str) -> str:
    """A person's input as code, so that Slack shows it and obeys none of it."""
    shown = line(text, 40).replace("`", "'")
    return f"`{shown}`" if shown else _("That")


def sendable(text: str) -> str:
    """The text without halves of surrogate pairs: Slack takes UTF-8 only."""
    return text.encode(errors="ignore").decode()


def plain(text: str, limit: int) -> str:
    """One line for a `plain_text` object, which needs no escaping: Slack obeys nothing in it."""
    shown = _EMOJI_CODE.sub("∶", _without_marks(_clean(text[:LONGEST])))
    return cut_line(_SPACE.sub(" ", shown).strip(), text, limit)


def paragraph(text: str, limit: int) -> str:
    """Escaped text of at most `limit` characters with its line breaks; says how much was cut.

    As in a line, nothing in it formats.
    """
    return escape(cut(_harmless(_LINE_ENDS.sub("\n", text[:LONGEST])), text, limit))


def quote(text: str, limit: int) -> str:
    """The same as a quotation: a bar beside every line marks it as the text of another author.

    A sender's `*bold*` is shown without its marks: here they would not format.
    """
    text = _BOLD.sub(r"\1", text)
    # The mark of each line costs two characters, which counts for many short lines.
    available = limit if len(text[:LONGEST].splitlines()) < limit / 12 else limit // 2
    lines = paragraph(text, available).splitlines()
    return "\n".join(f"> {part}" for part in lines if part.strip())


def inline_code(text: str, limit: int) -> str:
    """One line as code that its content cannot end; people can copy it as it is."""
    flat = _SPACE.sub(" ", _clean(text[:LONGEST])).strip().replace("`", "ˋ")
    return f"`{escape(cut_line(flat, text, limit)) or ' '}`"


def code(text: str, limit: int) -> str:
    """A code block of at most `limit` + 8 characters that its content cannot end."""
    # In this order: a fence may appear only after the invisible characters are removed.
    inside = _clean(_LINE_ENDS.sub("\n", text[:LONGEST])).replace("```", _NO_FENCE)
    return "```\n" + escape(cut(inside, text, limit)) + "\n```"


def _clean(text: str) -> str:
    """Remove characters that are invisible, change the direction, or are stacked on a letter."""
    if text.isascii():
        return text if text.isprintable() else _CONTROL.sub("", text)
    text = unicodedata.normalize("NFC", _CONTROL.sub("", text))
    signs = {char for char in set(text) if unicodedata.category(char) in {"Mn", "Me"}}
    if not signs:
        return text
    kept: list[str] = []
    combining = 0
    for char in text:
        if char in signs:
            combining += 1
            # NFC has composed a Latin letter with its accent; any other sign strikes it through.
            if combining > 2 or not kept or kept[-1].isascii():
                continue
        else:
            combining = 0
        kept.append(char)
    return "".join(kept)


def _harmless(text: str) -> str:
    """Remove formatting, emoji codes and the bot's marks; keep the lines."""
    text = _without_marks(_clean(text)).translate(_FORMATTING)
    text = _UNDERSCORE.sub("ˍ", text)
    return _EMOJI_CODE.sub("∶", text)


def _without_marks(text: str) -> str:
    return text if text.isascii() else _MARKS.sub("", text)


def _unquoted(text: str) -> str:
    return text.replace("“", '"').replace("”", '"')


def _one_line(text: str, limit: int, *, keep: bool = True) -> str:
    flat = _harmless(_SPACE.sub(" ", text[:LONGEST]))
    return cut_line(_SPACE.sub(" ", flat).strip(), text, limit, keep=keep)


def clock(at: datetime) -> str:
    """A time in each reader's own zone: "today 03:04", or with its date.

    Slack computes the day at each reading, because people may read a message much later.
    """
    utc = at.astimezone(UTC)
    seconds = int(utc.timestamp())
    return f"<!date^{seconds}^{{date_short_pretty}} {{time}}|{_date(utc)} {utc:%H:%M} UTC>"


def day(at: datetime) -> str:
    """A day in each reader's own zone."""
    utc = at.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{{date_short}}|{_date(utc)}>"


def _date(day: datetime) -> str:
    """The date for readers of a plain text; Slack writes dates in each reader's own language."""
    months = _("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()
    # Translators: a date, as 27 Nov 2026.
    return _("{day} {month} {year}").format(
        day=f"{day:%d}", month=months[day.month - 1], year=f"{day:%Y}"
    )


def ago(since: datetime, now: datetime) -> str:
    """The duration: 8 s, 6 min, 2 h 5 min, 3 d 4 h."""
    return span((now - since).total_seconds())


def span(seconds: float) -> str:
    """A duration as text, two units at most."""
    total = max(0, int(seconds))
    if total < 60:
        return _("{seconds} s").format(seconds=total)
    minutes, hours, days = total // 60, total // 3600, total // 86_400
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    if hours < 24:
        text = _("{hours} h {minutes} min") if minutes % 60 else _("{hours} h")
        return text.format(hours=hours, minutes=minutes % 60)
    text = _("{days} d {hours} h") if hours % 24 else _("{days} d")
    return text.format(days=days, hours=hours % 24)


def section(text: str, *, expand: bool = False) -> Block:
    """A paragraph of mrkdwn, within Slack's 3,000 characters.

    Slack folds a long section behind "see more" unless `expand` is true.
    """
    block: Block = {"type": "section", "text": mrkdwn(text)}
    return {**block, "expand": True} if expand else block


def sections(lines: Iterable[str], *, expand: bool = False) -> list[Block]:
    """The lines in as few paragraphs as Slack's limit of a paragraph allows."""
    texts: list[str] = []
    for text in lines:
        if texts and len(texts[-1]) + 1 + len(text) <= SECTION_LIMIT:
            texts[-1] += f"\n{text}"
        else:
            texts.append(text)
    return [section(text, expand=expand) for text in texts]


def context(*lines: str) -> Block:
    """Small print, a line each in one element: Slack would set several elements in one row."""
    text = "\n".join(text for text in lines if text)
    return {"type": "context", "elements": [mrkdwn(text)]}


def mrkdwn(text: str) -> Block:
    """A text object. `verbatim`: Slack turns no text into a link or a mention by itself."""
    return {"type": "mrkdwn", "text": _shown(text), "verbatim": True}


def _shown(text: str) -> str:
    """Fit the text: Slack refuses a whole message if one text is empty or over 3,000 characters."""
    return cut_section(text) if text.strip() else "–"


def button(
    text: str, action: str, value: str, *, style: str = "", confirm: Block | None = None
) -> Block:
    """A button whose value carries only an id."""
    block: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": text, "emoji": True},
        "action_id": action,
        "value": value,
    }
    if style:
        block["style"] = style
    if confirm:
        block["confirm"] = confirm
    return block
