"""Splits a model's text into sentences, and tells statements of fact from advice and questions.

"Run `kubectl get pods`" and "Check that the pods are scheduled" are advice: a mark on them would
teach people to ignore the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile("[.!?\u3002\uff01\uff0e\uff1f]+(?=[\\s\"')\\]*_`]|$)|\n")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|approx|vs|etc|cf|ca|resp|no|min|max)|^\W*\d{1,3})$")
_CITED_AFTER = re.compile(
    r"[\"')*_`]{0,3}[ \t]{0,3}(?:\[[A-Z]\d{1,3}[^\]\n]{0,60}\][ \t.,;]{0,3}){1,8}"
)
_ITEM = re.compile(
    r"^[\s>#*_`\"'(\[•–-]{0,12}(?:\(?\d{1,3}[.):]|step \d{1,2}[.:)]?|[a-z]\))?[\s*_`]{0,6}"
)
_CONDITION = re.compile(
    r"(?:if|when|once|after|before|to|in case|until|while|as|for|on)\b[^,]{1,200},\s"
)
_FILLER = re.compile(
    r"(?:please|then|first(?:ly)?|second(?:ly)?|next|finally|lastly|also|now|again|immediately"
    r"|otherwise|alternatively|else|and|or|so|maybe|perhaps|only|quickly|temporarily|gradually"
    r"|carefully|manually|optionally|if (?:so|needed|necessary|not|possible)"
    r"|as a (?:first|next) step|do not|don['\u2019]t|never|always|let['\u2019]?s"
    r"|you (?:should|could|can|may(?: want to)?|might(?: want to)?|must|need to)"
    r"|we (?:should|could|can|must|need to)"
    r"|it (?:is|may be|might be) worth)\b[,:]?\s{1,3}"
)
_VERBS = frozenset(
    """
    add adjust alert allow analyse analyze apply ask assess attach avoid back backup be begin
    block bounce build bump bypass call capture change check checking choose clean clear close
    collect combine compare comparing configure confirm connect consider considering consult
    contact continue contrast cordon correct correlate count create cross-check decide
    decrease delete deploy describe determine diff dig disable discuss do double-check
    download drain drop dump edit enable ensure escalate establish estimate evict examine exec
    execute expand expose extend fail failover fetch file filter find fix flush focus follow
    force free get give go graph grep halt have identify import increase inform inspect
    install investigate invoke isolate issue join keep kill launch limit list load locate lock
    log look looking lower make map measure measuring migrate mitigate monitor mount move
    narrow notify obtain offload open optimise optimize page patch pause perform pick pin ping
    plan plot point postpone prepare prevent prioritise prioritize probe profile promote
    propose provide prune pull purge push put query raise re-run read reapply rebalance reboot
    rebuild recheck recommended reconcile reconfigure recreate redeploy redirect redo reduce
    refer refresh reindex reinstall reload remove renew repeat replace replay report reproduce
    request rerun resend reset resize restart restore restrict resync retrieve retry revert
    review revoke roll rollback rotate route run sample save scale schedule search see send
    separate set shed shift show shrink shut silence skip snapshot split start stay stop study
    suspend switch sync tail take talk tell terminate test throttle tighten trace track
    trigger truncate try tune turn uncordon undo uninstall unmount update upgrade upload use
    vacuum validate verify view wait walk warm watch weigh widen work worth write
    """.split()  # noqa: SIM905 - a list would take 250 lines
)
_MODAL = re.compile(
    r"\b(?:should|must|needs? to|has to|have to|ought to|(?:is|are) recommended)\b"
    r"|^(?:i|we)(?:['\u2019]d| would)? (?:recommend|suggest|advise|propose)\b"
)
_UNKNOWN = re.compile(
    r"^\W*(?:undetermined|unknown|unclear|not (?:clear|known|determined)|inconclusive"
    r"|(?:it|the (?:root )?cause|the reason) (?:is|remains)"
    r" (?:not (?:yet )?(?:clear|known)|unclear|unknown|undetermined)"
    r"|(?:the|this|given|available|provided)(?: available| provided)? (?:data|evidence|facts?"
    r"|information) (?:does not|do not|doesn['\u2019]t|is not|are not|is insufficient|is too)"
    r"|(?:there is )?(?:not enough|insufficient|no|too little) (?:data|evidence|information)"
    r"|more (?:data|evidence|information) (?:is|are) (?:needed|required))\b"
)
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_FEWEST_WORDS = 3  # of a statement: "Yes." and "In short:" state nothing to support


def sentences(text: str) -> Iterator[str]:
    """Yield pieces that join to the text: a sentence with the citation behind it, or space."""
    start = 0
    for end in _END.finditer(text):
        if end.end() <= start:
            continue  # within the citation of the sentence before
        if end[0] == "." and _ABBREVIATION.search(text[max(start, end.start() - 12) : end.start()]):
            continue
        stop = end.end()
        if end[0] != "\n" and (cited := _CITED_AFTER.match(text, stop)):
            stop = cited.end()
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]


def is_statement(sentence: str, *, in_step: bool = False) -> bool:
    """Return True if it states a fact; advice, questions, headings and doubts state none.

    `in_step`: it begins a recommended step, which states none whatever its form.
    """
    bare = plain(sentence)
    if in_step or len(_WORD.findall(bare)) < _FEWEST_WORDS or bare[-1:] in (":", "?", "\uff1f"):
        return False
    return not (is_imperative(bare) or _MODAL.search(bare) or _UNKNOWN.search(bare))


def is_imperative(sentence: str) -> bool:
    """Return True if it tells the reader to do something."""
    return _first_word(plain(sentence)) in _VERBS


def plain(sentence: str) -> str:
    """Return it in lower case without the marks of a list item and of emphasis."""
    return " ".join(_ITEM.sub("", sentence.lower(), count=1).rstrip(" *_`\"'").split())


def _first_word(bare: str) -> str:
    if condition := _CONDITION.match(bare):
        bare = bare[condition.end() :]
    for _ in range(4):
        filler = _FILLER.match(bare)
        if filler is None:
            break
        bare = bare[filler.end() :]
    word = _WORD.match(bare)
    return word[0] if word else ""
