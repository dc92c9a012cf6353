"""Finds the marks that set a state word apart from a title: `:`, ` - `, `->`, brackets."""

from __future__ import annotations

import re

from bot.incidents.severity_words import known_severity
from bot.intake import states

END_MARKS = " \t\n*_~`.,;:!|-–—>»→=#([【（"
_EMOJI_BEHIND = re.compile(r"(?:\s:[a-z][a-z0-9_+'-]{0,59}:\s{0,9}){1,9}$", re.IGNORECASE)
_NOUNS = frozenset(("alert", "incident", "alarm"))
_LINK_LABELS = ("(open)", "[open]", "(view)", "[view]", "(details)", "(link)", "(show)")
_DELIMITERS = (":", "：", "|", "»", ">", "->", "=>", "→", "•", "·", "｜")
_ENDS_BEFORE_STATE = (*_DELIMITERS, ",", ";", "!", "–", "—", "(", "[", "【", "（")
_BEHIND_WORD = re.compile(
    r"[:：!.,;|)\]】）>*_~–—→(\[]|->|=>|(?:after|for|since|at|in|on|with|by|again|nach|seit|depuis|desde"
    r"|dopo|após|value)\b",
    re.IGNORECASE,
)
_DETAILS = re.compile(
    r"(?: [-–—|(]|[.;!]) ?(?:reason|it was|was down|downtime|duration|details?|lasted|value"
    r"|currently|current|started|since|after|error|cause|response|took|last)\b",
    re.IGNORECASE,
)
_RECOVERED_FROM = re.compile(
    r"(?P<what>\S[^\n]{0,150}?) (?:has )?recovered from (?P<trouble>\S[^\n]*)", re.IGNORECASE
)
_COUNT = re.compile(
    r"(?:[:(\[|,]\s{0,9}|\s[-–—]\s{1,9})\d{1,4}(?: alerts?| instances?)?\s{0,9}$", re.IGNORECASE
)
_BRACKETS = re.compile(r" ?[(（]([^()（）\n]{1,60})[)）]")
_COUNT_AHEAD = re.compile(r"\d{1,4} ?[-–—|:] {1,3}(?=\S)")
_RUN = re.compile(
    r"\b(?:application|run|job|task|execution|build|id|attempt|lauf|durchlauf|auftrag|ausführung"
    r"|exécution|tâche|ejecución|ejecucion|tarea|corrida|execução|execucao|tarefa|esecuzione|compito"
    r")(?![^\W\d_])|実行|ジョブ|回目|运行|运行|执行|任务|构建|執行|任務",
    re.IGNORECASE,
)
_FINISHED = re.compile(
    r"\s(?:(?:has|have|was) )?(?:finished|completed|ended|exited|terminated)(?: with)?"
    r"(?: (?:status|state|result|code))?$",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(?:in|after) [\d(]", re.IGNORECASE)


def without_link_label(text: str) -> str:
    """Remove a link's label at the end, which says nothing of the alert: `(Open)`."""
    stripped = text.rstrip()
    label = next((end for end in _LINK_LABELS if stripped.lower().endswith(end)), "")
    return stripped[: len(stripped) - len(label)]


def without_emoji_behind(text: str) -> str:
    """Remove emoji at the end, which decorate a title: `Deployment failed :x:`.

    A text of emoji alone stays.
    """
    emoji = _EMOJI_BEHIND.search(text)
    return text[: emoji.start()] if emoji and text[: emoji.start()].strip() else text


def behind_delimiter(text: str) -> str | None:
    """Return what follows `:`, `|`, `->` or ` - ` at the beginning, or None without one.

    Slack's marks of bold and code may end before it: `*Resolved*: …`.
    """
    text = text.lstrip("*_~`")
    stripped = text.lstrip()
    for delimiter in _DELIMITERS:
        if stripped.startswith(delimiter):
            title = stripped[len(delimiter) :].lstrip(" \t*_~`")
            count = _COUNT_AHEAD.match(title)  # `FIRING:1 - Queue is full`
            return title[count.end() :] if count else title
    dashes = stripped.lstrip("-–—")
    is_apart = text[:1].isspace() and dashes != stripped and dashes[:1].isspace()
    return dashes.lstrip() if is_apart else None


def ends_before_state(text: str) -> bool:
    """Return True if a delimiter ends the text: what follows stands apart."""
    stripped = text.rstrip()
    return stripped.endswith(_ENDS_BEFORE_STATE) or stripped.endswith((" -", "\t-"))


def ends_behind(text: str) -> bool:
    """Return True if the word before this text ends a statement, or details follow it."""
    stripped = text.lstrip()
    if not stripped or (stripped.startswith("-") and text[:1].isspace()):
        return True
    return _BEHIND_WORD.match(stripped) is not None


def without_details(text: str) -> str:
    """Return a subject without what follows it: `shop - Reason: timeout`, `shop (took 3 s)`."""
    details = _DETAILS.search(text)
    return text[: details.start()] if details and details.start() > 0 else text


def recovered_from(text: str) -> str | None:
    """Return `web1 - high load` of `web1 recovered from high load`; None for another text."""
    match = _RECOVERED_FROM.fullmatch(text)
    if match is None:
        return None
    trouble = states.folded(match["trouble"])
    is_state = trouble in states.STATE_WORDS or known_severity(trouble) is not None
    return match["what"] if is_state else f"{match['what']} - {match['trouble']}"


def is_result_of_run(text: str) -> bool:
    """Return True if a duration follows a word: `passed in 02:01`, `Failure after 41 s`."""
    return _DURATION.match(text.lstrip()) is not None


def without_count(text: str) -> str:
    """Return what stands before the number of members that a state follows: `Queue is full:2`."""
    count = _COUNT.search(text, max(0, len(text) - 30))
    return text[: count.start()].rstrip() if count else text


def without_actor(text: str) -> str:
    """Return a subject without the person who ended it: `Disk full by Ana Lima`."""
    subject, by, actor = text.rpartition(" by ")
    is_name = by and len(actor.split()) <= 3 and actor[:1].isupper()
    return subject if is_name else text


def without_fillers(text: str) -> str:
    """Return a subject without marks at its ends and without the words of an alert:
    `Alert for` before it, "alert" behind it."""
    text = _BRACKETS.sub(lambda match: "" if _is_run(match[1]) else match[0], text)
    text = text.strip(END_MARKS + ")]】）")
    text = text[: end.start()] if (end := _FINISHED.search(text, max(0, len(text) - 60))) else text
    tokens = text.split()
    while len(tokens) > 1 and states.folded(tokens[0].strip(END_MARKS)) in states.FILLERS:
        tokens.pop(0)
    while len(tokens) > 1 and tokens[-1].strip(END_MARKS).lower() in _NOUNS:
        tokens.pop()  # "checkout incident" resolved: "checkout" is over
    return " ".join(tokens).strip(END_MARKS)


def _is_run(text: str) -> bool:
    """Return True for what is in brackets about one run of many: `run 42`, `ejecución n.º 42`."""
    return _DIGIT.search(text) is not None and _RUN.search(text) is not None


_DIGIT = re.compile(r"\d")


def without_bold(text: str) -> str:
    """Return a title without Slack's marks of bold words, or without one that lacks the other."""
    text = _BOLD.sub(r"\1", text)
    return text.replace("*", "") if text.count("*") == 1 and not _STAR.search(text) else text


_BOLD = re.compile(r"(?<![\w*])\*(\w[^*\n]{0,120})\*(?!\w)")
_STAR = re.compile(r"\*[./]|[/ ]\*(?: |$)")  # `*.example.com`, `/api/*`
