"""Marks a model's claims of events.

A model cannot know them, so each claim is marked before display. Only the state machine states
facts about a remediation, on its own card.
"""

from __future__ import annotations

import re

from bot.advice.sentences import is_imperative
from bot.incidents.confusables import fold

MARK = "⚠ unverified: "

_DONE = (
    r"(?:re)?started|stopped|rebooted|bounced|killed|ran|run|re-?ran|executed|issued|applied|"
    r"deployed|rolled\s+back|reverted|scaled|drained|cordoned|deleted|removed|cleared|cleaned|"
    r"flushed|rotated|changed|updated|patched|submitted|sent|triggered|initiated|scheduled|"
    r"dispatched|requested|approved|authori[sz]ed|granted|rejected|verified|confirmed|validated|"
    r"fixed|resolved|solved|repaired|mitigated|remediated|restored|recovered|acknowledged|"
    r"silenced|muted|closed|escalated|paged|notified|completed|undone"
)
_ADVERB = r"(?:(?:just|now|already|also|then|successfully|automatically|manually)\s+)*"
_CLAIMS = re.compile(
    # "I restarted", "we have already rolled back", "I'll restart", "I am restarting"
    rf"\b(?:i|we)(?:\s+have|'ve|\s+had|\s+did)?\s+{_ADVERB}(?:{_DONE})\b"
    r"|\b(?:i|we)(?:\s+will|'ll|\s+am|'m|\s+are|'re)\s+(?:now\s+)?\w+ing\b"
    # "has been approved", "was restarted", "is now fixed", "got approved"
    rf"|\b(?:ha(?:s|ve|d)\s+{_ADVERB}been|was|were|is|are|got|gets)\s+{_ADVERB}(?:{_DONE})\b"
    # "has restarted", "Restarted the service", "successfully applied", "Done."
    rf"|\bha(?:s|ve)\s+{_ADVERB}(?:{_DONE})\b"
    rf"|^\W*{_ADVERB}(?:{_DONE})\b"
    rf"|\bsuccessfully\b|^\W*(?:done|fixed|complete)\b"
    # "waiting for approval", "approval granted", "back to normal", "no longer firing"
    r"|\b(?:wait(?:s|ing)|pending)\s+(?:for\s+)?(?:an?\s+|your\s+)?approval\b"
    rf"|\bapproval\s+(?:is|was|has\s+been)?\s*(?:given|{_DONE})\b"
    r"|\b(?:back\s+to\s+normal|healthy\s+again|running\s+again|no\s+longer\s+firing)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(
    r"[,:\u2014\u2013(]\s?|\s-\s|\b(?:and|as|because|but|now|since|so|which)\b", re.IGNORECASE
)
# The same in German: "wurde neu gestartet", "ich habe … gestoppt", "ist wieder normal".
_GETAN = (
    r"(?:neu\s+)?gestartet|gestoppt|angehalten|ausgefuhrt|angewendet|zuruckgerollt|zuruckgesetzt|"
    r"skaliert|geloscht|entfernt|geleert|geandert|aktualisiert|gesendet|ausgelost|angestossen|"
    r"freigegeben|genehmigt|abgelehnt|verifiziert|uberpruft|behoben|gelost|repariert|"
    r"wiederhergestellt|bestatigt|stummgeschaltet|geschlossen|eskaliert|benachrichtigt|erledigt"
)
_CLAIMS_IN_GERMAN = re.compile(
    rf"\b(?:wurden?|wird|werden|ist|sind|worden|habe|haben|hat)\b(?:\s+[^\s.]+){{0,6}}?\s+(?:{_GETAN})\b"
    rf"|^\W*(?:erfolgreich\s+)?(?:{_GETAN})\b|\berfolgreich\b"
    r"|\b(?:lauft|ist)\s+wieder\b|\bfeuert\s+nicht\s+mehr\b|\bwartet\s+auf\s+(?:ihre\s+)?freigabe\b",
    re.IGNORECASE,
)
_DRESS = re.compile("[*_~`]")  # emphasis would hide a word from the search
_ENDS = ".!?;\u3002\uff01\uff0e\uff1b\uff1f"  # fullwidth ones too: they also end a sentence
_SENTENCE = re.compile(rf"[^\n{_ENDS}]+(?:[{_ENDS}]+|(?=\n)|$)|\n|[{_ENDS}]+")


def marked(text: str) -> str:
    """Mark each sentence of the text that claims an event or a present state."""
    return "".join(_mark_sentence(match[0]) for match in _SENTENCE.finditer(text))


def _mark_sentence(sentence: str) -> str:
    # With single spaces: the pattern would try a run of spaces at every length, for each word
    # before it.
    bare = " ".join(fold(_DRESS.sub("", sentence)).split())
    if is_imperative(bare):
        # "Check that the pods are scheduled" claims nothing; a second clause may.
        bare = "".join(_CLAUSES.split(bare, maxsplit=1)[1:])
    if not _CLAIMS.search(bare) and not _CLAIMS_IN_GERMAN.search(bare):
        return sentence
    lead = len(sentence) - len(sentence.lstrip())
    return f"{sentence[:lead]}{MARK}{sentence[lead:]}"
