"""Knows where a text states what was before: `CRITICAL (was OK)`, `Was: OK`,
`Was resolved, fires again`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.intake.cleaning import parse_words

# A state behind one of these is not the state of now.
EARLIER = parse_words("previous previously prev former formerly")
# A subject that was over has trouble again: a good state behind one of these is the earlier one.
REOPENED = (
    "reopened, re-opened, fires, fires again, firing again, fired again, triggered again,"
    " alerting again, retriggered, recurred, reoccurred, happened again,"
    " wieder offen, wieder ausgelöst, erneut ausgelöst, erneut geöffnet, wiedereröffnet,"
    " rouvert, rouverte, réouvert, réouverte, de nouveau déclenchée, reabierto, reabierta,"
    " disparada de nuevo, reaberto, reaberta, disparado novamente, riaperto, riaperta,"
    " di nuovo attivo, 再発, 再発生, 再オープン, 再次触发, 再次发生, 再次發生, 重新打开, 再次告警"
)
_WAS = (
    "was|were|previous|previously|prev|former|formerly|before|war|vorher|zuvor|était|précédemment"
    "|avant|estaba|antes|anterior|anteriormente|estava|era|precedente|precedentemente|以前|変更前"
    "|之前|此前"
)
_IN_BRACKETS = re.compile(
    rf" {{0,3}}[(\[（](?:{_WAS})\b([^()\[\]（）]{{1,60}})[)\]）]", re.IGNORECASE
)
# `(closed before)`
_BEFORE_IN_BRACKETS = re.compile(
    r" {0,3}[(\[（]([^()\[\]（）\n]{1,60})[ _]"
    r"(?:before|earlier|previously|vorher|zuvor|avant|précédemment|antes|anteriormente|prima"
    r"|in precedenza)[)\]）]",
    re.IGNORECASE,
)
_ROW = re.compile(rf"\W{{0,6}}(?:{_WAS})\W{{0,3}}[:：=]([^\n]{{1,60}})", re.IGNORECASE)
_CLAUSE = re.compile(
    rf"\b(?:{_WAS})[ :：]{{1,3}}([^\s,;.:()\[\]][^,;.:()\[\]\n]{{0,40}})[,;，、] ?"
    r"(?:(?:but|and|aber|und|mais|et|pero|y|mas|e|ma) )?",
    re.IGNORECASE,
)
_NEXT = 60  # characters behind a clause that say what is now


def without_earlier(text: str, is_state: Callable[[str], bool]) -> str:
    """Return the text without each part that states an earlier state: brackets, a clause before
    the state of now, or all of a row `Was: OK`.

    Parts whose words are no state, by `is_state`, stay: `orders (formerly sales)` is a name.
    `The alert was resolved` without a state behind it says how it is now.
    """
    if (row := _ROW.fullmatch(text)) is not None and is_state(row[1]):
        return ""
    for brackets in (_IN_BRACKETS, _BEFORE_IN_BRACKETS):
        text = brackets.sub(lambda match: "" if is_state(match[1]) else match[0], text)

    def clause(match: re.Match[str]) -> str:
        following = match.string[match.end() : match.end() + _NEXT]
        is_earlier = is_state(match[1]) and is_state(following)
        return "" if is_earlier else match[0]

    return _CLAUSE.sub(clause, text)
