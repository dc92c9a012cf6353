"""Turns text into search terms: identifiers split, words stemmed, noise dropped. Pure.

Documents and alerts go through the same function, so `KubePodCrashLooping`, `crash_looping` and
"the pod crash loops" share terms. The stemming is light on purpose: it joins the forms of a word
(plural, -ed, -ing, -ion) and never joins two words that mean different faults.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

LONGEST_WORD = 40  # characters; a longer run of letters is a token or an encoded value

_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_UNDOUBLED = frozenset("bdgmnprt")

_STOP_TEXT = (
    "a about above after again all also an and any are as at be because been before being below "
    "between both but by can cannot could did do does doing done due each either else etc even "
    "ever every few for from further get gets got had has have having he her here how however i if "
    "in into is it its itself just let like made make makes many may might more most much must my "
    "no nor not now of off on once one only onto or other our out over own per please same see she "
    "should since so some still such than that the their them then there these they this those "
    "through thus to too two under until up upon us use used uses using very via was we were what "
    "when where whether which while who whom why will with within without would yet you your "
    "alert alerts alerting fired firing triggered runbook runbooks http https www com org html md "
    "value values currently last past minute minutes hour hours day days second seconds min mins "
    "sec secs ms gt lt eq true false null none nan todo tbd eg ie"
)
STOP_WORDS = frozenset(_STOP_TEXT.split())

# Other words for the same thing, by the word that runbooks use most.
_OTHER_WORDS = {
    "pvc": "persistentvolumeclaim", "pv": "persistentvolume", "k8s": "kubernetes",
    "kube": "kubernetes", "db": "database", "cert": "certificate", "certs": "certificate",
    "repl": "replication", "mem": "memory", "fs": "filesystem", "expiry": "expire",
    "expiration": "expire", "ssl": "tls", "configuration": "config", "configured": "config",
    "configure": "config", "postgresql": "postgres", "pg": "postgres", "processor": "cpu",
    "authentication": "auth", "authenticate": "auth", "hpa": "horizontalpodautoscaler",
    "running": "run", "failure": "fail", "failures": "fail",
}  # fmt: skip


def terms(text: str) -> list[str]:
    """Return the search terms of `text`, in order and with repeats.

    Numbers, hashes and stop words are left out. A CamelCase word gives its parts and the whole.
    """
    result: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        result += _terms_of(match[0]) if len(match[0]) <= LONGEST_WORD else ()
    return result


@lru_cache(maxsize=20_000)
def _terms_of(word: str) -> tuple[str, ...]:
    if _CJK.search(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    if any(character.isdigit() for character in word):
        return (word.casefold(),) if _is_short_name(word) else ()
    parts = _PART.findall(word)
    if len(parts) > 1 and len(word) > 3 and not word.isupper():
        stems = [_term(part) for part in parts]
        return tuple(stem for stem in [*stems, _term(word)] if stem)
    stem = _term(word)
    return (stem,) if stem else ()


def _is_short_name(word: str) -> bool:
    """Return True for `5xx`, `p99`, `s3`, `http2`, `ipv6`; False for a number or a hash."""
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(word))
    return len(word) <= 8 and changes == 1 and (word[0].isalpha() or word[1:].lower() == "xx")


def _term(word: str) -> str:
    folded = word.casefold()
    if len(folded) < 2 or folded in STOP_WORDS:
        return ""
    return stem(_OTHER_WORDS.get(folded, folded))


def stem(word: str) -> str:
    """Return the stem of a lower-case word: its plural and verb endings cut."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] in _UNDOUBLED:
                word = word[:-1]
            return word.removesuffix("e")
    if len(word) > 6 and word.endswith("ion"):
        return word[:-3]
    if len(word) > 5 and word.endswith("ly"):
        word = word[:-2]
    return word.removesuffix("e") if len(word) > 4 else word
