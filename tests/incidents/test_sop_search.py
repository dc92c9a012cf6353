"""SOPs are found by words, the best first."""

from bot.incidents.sop_search import search_sops
from bot.incidents.sops import ProposedAction, Sop

SOPS = [
    Sop(sop_id="disk", title="Disk is full", command=("df -h",), fix_action=("restart web",)),
    Sop(sop_id="web", title="Web is down", keys=("svc:web",)),
    Sop(
        sop_id="db",
        title="Slow queries",
        keys=("svc:web-db",),
        actions=(ProposedAction(action="service.restart"),),
    ),
]


def ids_for(text: str) -> list[str]:
    return [sop.sop_id for sop in search_sops(SOPS, text)]


def test_a_word_in_the_title_counts_more_than_in_the_keys_and_that_more_than_elsewhere() -> None:
    assert ids_for("WEB") == ["web", "db", "disk"]


def test_every_word_must_be_somewhere() -> None:
    assert ids_for("restart web") == ["db", "disk"]
    assert ids_for("restart kafka") == []
    assert ids_for("   ") == []
