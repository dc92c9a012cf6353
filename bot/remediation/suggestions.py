"""Matches a step of an answer to an action of the catalogue, by fixed rules.

A model's text chooses neither target nor parameters: a target that it names counts only if the
alert or the SOP names it too. Else a person has to name one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.remediation.catalogue import Action

LONGEST_STEP = 2_000
_SENTENCE_END = re.compile(r"[.!?;:\n](?:\s|$)")
_LEAD = re.compile(
    r"^[\s>*_`\"'(-]{0,12}(?:\d{1,3}[.)]\s{0,3})?"
    r"(?:(?:please|then|first|next|finally|also|now|immediately|gracefully|consider|try to|try"
    r"|you (?:should|could|can|may)|(?:i|we) (?:recommend|suggest)|let['\u2019]?s)"
    r"[,:]?\s{1,3}){0,4}",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|don['\u2019]t|avoid|without|instead of|rather than|no need)\b", re.IGNORECASE
)
_END_OF_OBJECT = re.compile(
    r"\s(?:to|with|in|on|at|and|or|if|so|after|before|for|by|via|using|when|once|as|because|since"
    r"|then|until|which|that|from|during|while)\s|\s\u2013|[,(\u2014\[]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ARTICLES = {"the", "a", "an", "this", "that", "its", "it", "them"}
_NOUNS = {"service", "pod", "container", "instance", "process", "app", "application", "deployment"}
_GENERIC = _ARTICLES | _NOUNS | {f"{noun}s" for noun in _NOUNS}
_GENERIC |= {"affected", "failing", "gracefully", "once"}
_MARKUP = "`*_\"'<>)]\u201c\u201d\u2018\u2019"
_NO_TARGET = frozenset({"over", "again", "small", "here", "now", "fresh"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An action that a step recommends.

    `target` and its `origin` are the alert's or the SOP's; both are '' if only the model `named`
    one, or if nothing is known. It `helped` in so many of its `decided` runs for this SOP and
    service.
    """

    action: Action
    target: str = ""
    origin: str = ""
    named: str = ""
    helped: int = 0
    decided: int = 0


def match_step(
    step: str,
    actions: Sequence[Action],
    known: Mapping[str, str],
    default: tuple[str, str] | None,
) -> Suggestion | None:
    """Return the action that the step recommends, or None if it recommends none, or several.

    `known` has the origin of each target that the alert or the SOP names; `default` is the target
    (with its origin) that a step without a name is about.
    """
    begun = _LEAD.sub("", step[:LONGEST_STEP].strip(), count=1)
    sentence = _SENTENCE_END.split(begun, maxsplit=1)[0]
    if _NEGATED.search(sentence):
        return None
    verb, _, rest = sentence.partition(" ")
    verbs = {form: action for action in actions for form in _forms(action)}
    action = verbs.get(verb.strip("*_`").lower())
    others = {verbs[word] for word in re.findall("[a-z]+", rest.lower()) if word in verbs}
    if action is None or others - {action}:
        return None
    target_text = _END_OF_OBJECT.split(f"{rest} ", maxsplit=1)[0]
    tokens = map(_bare, target_text.split())
    named = [token for token in tokens if token and token.lower() not in _GENERIC]
    if not named:
        return Suggestion(action, *(default or ()))
    if len(named) > 1:
        return None
    name = named[0]
    if not _WORD.fullmatch(name):
        return None  # never a part of a word: with another hyphen, "app-db" would be "db"
    if name in known:
        return Suggestion(action, name, known[name])
    if name.lower() in _NO_TARGET or name.lower().endswith("ing"):
        return None
    return Suggestion(action, named=name)


def _bare(word: str) -> str:
    """Return the word without markup around it, and without the noun of `pod/web-1`."""
    word = word.lstrip(_MARKUP).rstrip(_MARKUP + ".-:")
    noun, _, name = word.partition("/")
    return name if noun.lower() in _GENERIC - _ARTICLES else word


def _forms(action: Action) -> set[str]:
    """Return the verbs for the action at the start of a step: "restart", and "restarting"."""
    forms = set(action.synonyms)
    for word in action.synonyms:
        stem = word + word[-1] if word == "stop" else word.removesuffix("e")
        forms.add(f"{stem}ing")
    return forms
