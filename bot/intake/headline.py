"""Takes a title apart: its state and severity, and what is left when both are gone.

`[FIRING:1] [P1] web1/HTTP is CRITICAL: timeout after 10 s` is about `web1/HTTP`; so is
`RECOVERY: web1/HTTP is OK: 12 ms`. What identifies an alert must be the same in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.incidents.model import AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import states
from bot.intake.delimiters import (
    END_MARKS,
    behind_delimiter,
    ends_before_state,
    ends_behind,
    is_result_of_run,
    recovered_from,
    without_actor,
    without_bold,
    without_count,
    without_details,
    without_emoji_behind,
    without_fillers,
    without_link_label,
)
from bot.intake.earlier_states import EARLIER, without_earlier
from bot.intake.members import counts_both
from bot.intake.phrases import TOKEN, begins_with_state, is_symptom, phrase_at, severity_word
from bot.intake.reasons import name_behind
from bot.intake.states import StateWord

LOOKED_AT = 300  # characters of a title
# Emoji, their names, and marks: anything that is neither a letter, a digit nor an opening bracket.
_FRONT_MARKS = re.compile(
    r"(?:\s|:[a-z0-9_+'-]{1,60}:|_|[^\w\[({【「『（［<\"'/$#@])+", re.IGNORECASE
)
_BRACKETS = dict(zip("[(【{「（［『", "])】}」）］』", strict=True))
_BRACKETED = re.compile(r"\[[^\[\]]{1,60}\]|\([^()]{1,60}\)|【[^【】]{1,60}】")
_RUN_NUMBER = re.compile(r"#\d+")  # "job #32 Failure": a run and its result
_AMOUNT = re.compile(r"[-+<>=~]?\d|[<>=~] \d|(?:to|than|over|by|and)\b", re.IGNORECASE)
_ARROW = re.compile(r" ?(?:-+>|=+>|[→➔➜]) ?")
_ABOUT = re.compile(r"[*_~`]{0,2} for (?=\S)")  # `Does not exist for nginx`
_SEVERITY_BEHIND = re.compile(r"(?:CRIT|CRITICAL|WARN|WARNING|UNKNOWN|UNKN)\b")
_NUMBER = re.compile(r"#?\d+[a-z%]{0,3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headline:
    """A title, read.

    `state` is None if no word says it; `is_marked` is True if the word stands where only a state
    stands: before the title, in brackets, or at its end behind a dash. `severity` is the sender's
    word or ''. `emoji` is what the emoji before the title says. `title` is the text without state
    and severity; `subject` also lacks what follows the state ("timeout after 10 s"), so it
    identifies the alert. `is_announced`: the state is only a noun before the title ("Alert: …"),
    which the end may carry as well.
    """

    state: AlertStatus | None
    is_marked: bool
    severity: str
    title: str
    subject: str
    emoji: AlertStatus | None = None
    is_announced: bool = False


@lru_cache(maxsize=1024)
def read_headline(text: str) -> Headline:
    """Read the first 300 characters of a title's first line."""
    return _Reader(text[:LOOKED_AT].split("\n", 1)[0]).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.state: AlertStatus | None = None
        self.is_marked = False
        self.severity = ""
        self.emoji: AlertStatus | None = None
        self.is_announced = False
        self.is_reopened = False  # a good state behind "Reopened" is the one before
        self.names: list[str] = []  # what stands in brackets before the title and is no state
        self.is_named = False  # `[quay] [Down] timeout`: the rest is what was seen

    def read(self) -> Headline:
        text = without_earlier(without_link_label(self.text), _is_state)
        rest = self.without_front(without_emoji_behind(text))
        if self.state is AlertStatus.RESOLVED and counts_both(self.text):
            self.state = AlertStatus.FIRING
        if (recovered := recovered_from(rest)) is not None:
            self.mark(AlertStatus.RESOLVED)
            rest = recovered
        rest = self.without_inner_brackets(rest).rstrip(" *_~`")
        cut, end, word = self.transition(rest)
        subject = title = rest
        if word is not None:
            subject = rest[:cut] if word.is_symptom else without_count(rest[:cut])
            if end == len(rest) and not word.is_symptom:
                title = subject
            if self.state is None:
                self.state = word.status
        front = " ".join(f"[{name}]" for name in self.names)
        subject = subject[: len(without_details(rest))]
        if word is not None and (name := name_behind(rest[:cut], rest[cut:end], rest[end:])):
            subject = f"{subject.rstrip()} {without_details(name)}"
        if self.is_marked and self.state is AlertStatus.RESOLVED:
            subject = without_actor(subject)
        subject = "" if self.is_named else subject
        subject = without_fillers(" ".join([*self.names, subject]))
        title = " ".join(part for part in (front, title.strip(" \t*_~`|:;,-–—>»→")) if part)
        title, subject = without_bold(title), without_bold(subject)
        return Headline(
            self.state,
            self.is_marked,
            self.severity,
            title,
            subject or title or self.text.strip(),
            self.emoji,
            self.is_announced,
        )

    def mark(self, status: AlertStatus) -> None:
        """Note a state that stands apart; resolved beats the firing word that it ends."""
        if not self.is_marked or (status is AlertStatus.RESOLVED and not self.is_reopened):
            self.state = status
        self.is_marked = True
        self.is_announced = False

    # Front: emoji, brackets, `RESOLVED:`.

    def without_front(self, rest: str) -> str:
        for _ in range(8):
            front = _FRONT_MARKS.match(rest)
            if front and front.end():
                self.emoji = self.emoji or states.emoji_state(front[0])
                rest = rest[front.end() :]
            if (shorter := self.without_bracket(rest)) is not None or (
                shorter := self.without_prefix(rest)
            ) is not None:
                rest = shorter
            else:
                break
        return rest.strip()

    def without_bracket(self, rest: str) -> str | None:
        closing = _BRACKETS.get(rest[:1])
        if closing is None:
            return None
        end = rest.find(closing, 1, 120)
        if end < 0:
            return None
        inside = rest[1:end].strip()
        if self.reads_mark(inside):
            self.is_named = bool(self.names) and is_symptom(inside)
        elif inside:
            if not rest[end + 1 :].strip():
                return None  # the brackets hold the whole title
            if not _NUMBER.fullmatch(inside):
                self.names.append(inside)
        return rest[end + 1 :]

    def without_prefix(self, rest: str) -> str | None:
        """Remove `RESOLVED:`, `Problem in 2m -`, `Alert resolved |`, `P1:`, 【】 aside."""
        at, states_seen = 0, 0
        for token in TOKEN.finditer(rest, 0, 80):
            if token.start() < at:
                continue
            end = self.prefix_word(rest, token)
            if end is None:
                break
            word_end, is_mark = end
            states_seen += is_mark
            at = word_end
            if (
                is_mark
                and (about := _ABOUT.match(rest, at)) is not None
                and self.is_clear(rest[:at])
            ):
                self.reads_mark(rest[:at])
                return rest[about.end() :]
            if states_seen and (title := behind_delimiter(rest[at:])) is not None:
                if not title:
                    return None
                self.reads_mark(rest[:at])
                return title
        return None

    def is_clear(self, text: str) -> bool:
        """Return True if a state is said by more than a noun such as "alert"."""
        tokens = states.folded(text.strip("*_~`")).split()
        return states.state_of(text) is not None and states.FILLERS.isdisjoint(tokens)

    def prefix_word(self, rest: str, token: re.Match[str]) -> tuple[int, bool] | None:
        """Return (its end, whether it marks a state or severity) of a word that a prefix may
        hold.
        """
        length, word = phrase_at(rest, token.start())
        if word is not None:
            return token.start() + length, True
        text = states.folded(token[0])
        if known_severity(severity_word(rest, token)) is not None:
            return token.end(), True
        if states.unseparated_state(text) and len(text) <= 8:
            return token.end(), True
        if text in states.FILLERS or text in states.CONNECTORS or text in states.KINDS:
            return token.end(), False
        if _NUMBER.fullmatch(token[0]):
            return token.end(), False
        return None

    def reads_mark(self, text: str) -> bool:
        """Note the state or severity that the text before a title holds; False if it holds none."""
        first = TOKEN.search(text)
        if first is None:
            return states.emoji_state(text) is not None
        severity = severity_word(text, first)
        has_severity = known_severity(severity) is not None
        if has_severity and not self.severity:
            self.severity = severity
        status = states.state_of(text)
        tokens = TOKEN.findall(text)
        if status is not None and (len(tokens) <= 3 or begins_with_state(text)):
            if states.ANNOUNCING.issuperset(states.folded(word) for word in tokens):
                self.state = self.state or status
                self.is_announced = self.state is status and not self.is_marked
                return True
            self.is_reopened = self.is_reopened or (not self.is_marked and states.reopens(text))
            self.mark(status)
            for token in TOKEN.finditer(text):
                self.note_severity(text, token)
            return True
        return has_severity and len(tokens) <= 2

    def note_severity(self, text: str, token: re.Match[str]) -> None:
        word = severity_word(text, token)
        if not self.severity and known_severity(word) is not None:
            self.severity = word

    # Inside and at the end: `team-alerts [FIRING] queue is full`, `High CPU (resolved)`.

    def without_inner_brackets(self, rest: str) -> str:
        for match in _BRACKETED.finditer(rest):
            if self.reads_mark(match[0][1:-1]):
                return f"{rest[: match.start()].rstrip()} {rest[match.end() :].lstrip()}".strip()
        return rest

    # Middle: `web1 is DOWN: …`, `job #32 failed after 41 s`, `changed from OK to ALARM`.

    def transition(self, rest: str) -> tuple[int, int, StateWord | None]:
        """Return where the subject ends, where the state word ends, and the word.

        Without a state word all of `rest` is the subject.
        """
        tokens = list(TOKEN.finditer(rest))
        behind = 0  # the end of the phrase that was read last
        left_at = 0  # where "from OK" begins, which "to ALARM" follows
        for index, token in enumerate(tokens):
            if token.start() < behind:
                continue
            if (run := states.unseparated_state(states.folded(token[0]))) is not None:
                cut = token.start() + run[0]
                if cut > 0:
                    return cut, token.end(), run[1]
            end, word = self.state_word(rest, token)
            behind = end
            if index == 0 or word is None:
                continue
            connectors = index
            while connectors > 1 and _is_connector(tokens[connectors - 1]):
                connectors -= 1
            if states.folded(tokens[index - 1][0]) == "from" or _leads_on(rest, end):
                left_at = tokens[connectors].start()
                continue
            if not _stands_as_state(rest, tokens, index, end, word):
                continue
            self.note_severity(rest, token)
            is_at_end = not rest[end:].strip(END_MARKS + ")]】）")
            if is_at_end and connectors == index and ends_before_state(rest[: token.start()]):
                self.mark(word.status)
            cut = left_at or tokens[connectors].start()
            return cut, len(rest) if is_at_end else end, word
        return len(rest), len(rest), None

    def state_word(self, rest: str, token: re.Match[str]) -> tuple[int, StateWord | None]:
        """Return the end and the meaning of the state phrase, or of a severity, at a token.

        Nagios writes a severity where others write a state: `is CRITICAL`.
        """
        length, word = phrase_at(rest, token.start())
        if word is not None:
            return token.start() + length, word
        if token[0].isupper() and known_severity(token[0]) is not None:
            return token.end(), StateWord(AlertStatus.FIRING, is_symptom=True)
        return token.end(), None


def _is_state(text: str) -> bool:
    return states.state_of(text) is not None or known_severity(text.strip(" :")) is not None


def _leads_on(rest: str, end: int) -> bool:
    """Return True if an arrow and another state follow: `CRIT -> OK`."""
    arrow = _ARROW.match(rest, end)
    if arrow is None:
        return False
    _, word = phrase_at(rest, arrow.end())
    return word is not None or _SEVERITY_BEHIND.match(rest, arrow.end()) is not None


def _is_connector(token: re.Match[str]) -> bool:
    return states.folded(token[0]) in states.CONNECTORS


def _stands_as_state(
    rest: str, tokens: list[re.Match[str]], index: int, end: int, word: StateWord
) -> bool:
    """Return True if the word says how the subject is, and is no part of its name."""
    earlier = [states.folded(token[0]) for token in tokens[max(0, index - 3) : index]]
    if not states.NEGATIONS.isdisjoint(earlier):
        return False
    if word.status is AlertStatus.RESOLVED and _AMOUNT.match(rest[end:].lstrip()):
        return False  # "is up 40 %"
    if word.status is AlertStatus.RESOLVED and not EARLIER.isdisjoint(earlier):
        return False  # "Previous state: OK"
    if earlier[-1] in states.CONNECTORS:
        return word.status is AlertStatus.FIRING or ends_behind(rest[end:])
    if not ends_behind(rest[end:]):
        return False
    start = tokens[index].start()
    if states.folded(rest[start:end]) in states.AMBIGUOUS:
        before = rest[:start]
        is_run = _RUN_NUMBER.fullmatch(next(iter(before.split()[-1:]), "")) is not None
        if is_result_of_run(rest[end:]) or is_run:
            return True
        if before.endswith(("* ", "` ")) and rest[end:].startswith(":"):  # `*cart* alert: …`
            return states.state_of(rest[end:]) is not AlertStatus.RESOLVED
        if name_behind(before, "", rest[end:]):
            return True
        return ends_before_state(before) or rest[start:end].isupper()
    return True
