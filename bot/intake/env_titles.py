"""Reads the environment that a title marks."""

from __future__ import annotations

import re

from bot.incidents.environments import folded
from bot.intake.cleaning import parse_words
from bot.intake.guesses import env_inside, env_word

_ENV_NAMES = parse_words("prod preprod staging uat qa dev test sandbox")
_MARKED = re.compile(r"[\[(【「]\s*([^\W\d][\w.-]{1,30})\s*[\])】」]")


def env_of_title(title: str) -> str:
    """Return the environment that a title marks: `[PROD] …`, `… (staging)`, `PROD: …`, or one
    inside a name (`ledger-prod is down`); '' without one, or with two.
    """
    text = title[:300]
    marked = [word for word in _MARKED.findall(text) if folded(env_word(word)) in _ENV_NAMES]
    first = re.split(r"[:|]|\s[-–—]\s", text, maxsplit=1)[0].strip()
    if folded(env_word(first)) in _ENV_NAMES and first != text:
        marked.append(first)
    tokens = [env_word(word) for word in marked] or [
        inside for word in text.split() if "-" in word and (inside := env_inside(word))
    ]
    names = {folded(word) for word in tokens}
    return names.pop() if len(names) == 1 else ""
