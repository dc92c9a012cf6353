"""What a model says happened. It cannot know, so every such sentence is marked before it is shown.

What is true of a remediation is said by the state machine, on its own card, and nowhere else.
"""

from __future__ import annotations

import re

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
_DRESS = re.compile("[*_~`]")  # emphasis would hide a word from the search
_ENDS = ".!?;\u3002\uff01\uff0e\uff1b\uff1f"  # fullwidth ones too: they end a sentence as well
_SENTENCE = re.compile(rf"[^\n{_ENDS}]+(?:[{_ENDS}]+|(?=\n)|$)|\n|[{_ENDS}]+")


def marked(text: str) -> str:
    """The text with each sentence that claims that something happened, or is so now, marked."""
    return "".join(_one(found[0]) for found in _SENTENCE.finditer(text))


def _one(sentence: str) -> str:
    # With single spaces: a run of them would be tried at every length, for every word before it.
    bare = " ".join(fold(_DRESS.sub("", sentence)).split())
    if not _CLAIMS.search(bare):
        return sentence
    lead = len(sentence) - len(sentence.lstrip())
    return f"{sentence[:lead]}{MARK}{sentence[lead:]}"
