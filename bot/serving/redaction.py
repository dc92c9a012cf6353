"""Redacts private data in text that leaves the bot, by named rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from bot.serving.log_lines import HIDDEN, is_secret_name, redact

RuleName = Literal["secrets", "emails", "cards", "phones", "national_ids", "addresses"]

SECRET = re.compile(
    r"(?i)(?<![a-z0-9])(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|account[_-]?key|client[_-]?secret|authorization|(?:set-)?cookie|sig)"
    r"(?![a-z0-9_])[\\\"']{0,4}\s{0,3}[=:]\s{0,3}[\\\"']{0,4}(?:(?:basic|bearer)\s)?"
    # The answer to whether there was one, as MySQL writes it, is no secret.
    r"(?!(?:yes|no)(?:[\s\"',;&)]|$))[^\s\"',;&]{1,500}"
    r"|(?<!\S)--?(?:password|token|secret|api-key)\s{1,3}[^\s-]\S{0,500}|\bbearer\s\S{8,500}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,255}|\bgithub_pat_\w{20,255}"
    r"|\bglpat-[\w-]{20,64}|\b[sr]k[-_](?:(?:live|test|ant|proj)[-_])?(?=\w{0,40}[0-9])[\w-]{20,255}"
    r"|\bAIza[\w-]{30,64}|\bnpm_[A-Za-z0-9]{30,64}|\bpypi-[\w-]{40,255}|\bhf_[A-Za-z0-9]{30,64}"
    r"|\bdop_v1_[0-9a-f]{64}|\bSG\.[\w-]{16,64}\.[\w-]{16,64}|\bhv[sb]\.[\w-]{20,255}"
    r"|\bdapi[0-9a-f]{32}\b|(?<=hooks\.slack\.com/services/)[\w/-]{8,200}"
    r"|\beyJ[\w-]{10,1000}\.[\w-]{10,1000}\.[\w-]{0,1000}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.{0,5000}?)(?:-----END [A-Z ]{0,30}KEY-----|$)"
    r"|(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\w.-])[3-6][0-9](?:[ -]?[0-9]){12,17}(?![\w-])")
_PHONE = re.compile(r"(?<![\w+])\+[1-9][0-9]{0,2}(?:[ .()-]{0,2}[0-9]){7,12}(?![\w-])")
_NATIONAL_ID = re.compile(r"(?<![\w-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![\w-])")
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = re.compile(
    rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?![\w.]?[0-9])"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})?(?![\w:])"
)


def _card(match: re.Match[str]) -> str:
    return "[card]" if _passes_luhn(re.sub("[ -]", "", match[0])) else match[0]


def _passes_luhn(digits: str) -> bool:
    doubled = (int(d) * (1 + n % 2) for n, d in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


_RULES: Mapping[str, Callable[[str], str]] = {
    "secrets": lambda text: redact(SECRET.sub("[secret]", text)),
    "emails": lambda text: _EMAIL.sub("[e-mail]", text),
    "cards": lambda text: _CARD.sub(_card, text),
    "phones": lambda text: _PHONE.sub("[phone]", text),
    "national_ids": lambda text: _NATIONAL_ID.sub("[id]", text),
    "addresses": lambda text: _ADDRESS.sub("[address]", text),
}
"""In the order in which they are applied: a secret may contain what looks like an address."""


def redacted(value: Any, rules: Collection[str]) -> Any:
    """Return a JSON value with every text redacted by these rules; keys stay."""
    if isinstance(value, str):
        for name, rule in _RULES.items():
            if name in rules:
                value = rule(value)
        return value
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if "secrets" in rules and _is_secret(key, item) else redacted(item, rules)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item, rules) for item in value]
    return value


def _is_secret(name: object, value: object) -> bool:
    return isinstance(value, str) and is_secret_name(str(name))


_DEEPEST = 30  # levels of a stranger's JSON that are kept


def without_secrets(value: Any, depth: int = 0) -> Any:
    """Return a JSON value without secrets: by the form of each text, and by the names of fields."""
    if depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            redacted(name, ("secrets",)): HIDDEN
            if is_secret_name(name)
            else without_secrets(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item, depth + 1) for item in value]
    return redacted(value, ("secrets",))
