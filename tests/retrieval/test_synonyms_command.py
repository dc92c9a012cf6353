"""`python -m bot runbooks synonyms` reads what helped from the bot's own store."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from bot.enrichment.model import RUNBOOK, Evidence, KnownFact
from store import Store, open_store
from tests.helpers.bot_processes import child_environment, completed
from tests.helpers.builders import NOW, alert, deliver

PASSAGE = "Spool full (mail/queue.md)"


def suggestions(store_url: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = child_environment({"STORE_URL": store_url})
    return completed(["runbooks", "synonyms", "--dir", str(tmp_path)], environment, tmp_path)


async def helpful(store: Store, number: int) -> None:
    """An incident in which a passage was cited, and somebody found its advice helpful."""
    opened = alert(service=f"s{number}", fingerprint=f"fp{number}", title="Mailbox overflowing")
    incident_id = await deliver(store, opened)
    fact = KnownFact(RUNBOOK, PASSAGE, "Delete what is old.", NOW)
    incident = await store.incident(incident_id)
    await store.store_evidence(incident, Evidence.of([fact], []), NOW, shown=False)
    record = await store.claim_advice(NOW)
    assert record is not None
    await store.give_advice(record.id, {"source": "Amazon Q"}, "It is full.", NOW)
    await store.give_feedback(record.id, "U1", NOW + timedelta(minutes=1), helped=True)


async def test_synonyms_of_a_filled_store_name_their_incidents_until_they_stand_in_the_file(
    tmp_path: Path,
) -> None:
    store_url = f"sqlite:///{tmp_path}/sopbot.db"
    store = await open_store(store_url, owner="bot-a")
    for number in (1, 2, 3):
        await helpful(store, number)
    await store.close()
    done = suggestions(store_url, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "# From 3 cited passages" in done.stdout
    lines = done.stdout.splitlines()
    reason = lines[lines.index("mailbox, spool") - 1]
    assert "it helped in INC-1, INC-2, INC-3" in reason
    (tmp_path / "synonyms.txt").write_text("mailbox, spool\n")
    assert "mailbox, spool" not in suggestions(store_url, tmp_path).stdout.splitlines()
