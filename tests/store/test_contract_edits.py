"""An edit of a message joins the incident that the message joined, part by part."""

from __future__ import annotations

from dataclasses import replace

from bot.incidents.correlation import DeliveryPart
from bot.incidents.model import Alert, IncidentStatus
from store import Store
from tests.helpers.builders import CHANNEL, NOW, alert, identify, resolved


async def test_an_edit_of_one_part_of_a_message_joins_what_that_part_joined(store: Store) -> None:
    bare = {"env": "", "service": "", "category": ""}

    async def accept(version: str, edited: bool, *names: str) -> tuple[int, ...]:
        parts = [
            replace(
                identify(
                    alert(**bare, name=f"{name} {version}", fingerprint=f"{name} {version}"),
                    dedup_key=str(DeliveryPart(f"slack/C1/1.5/{version}", place)),
                ),
                edit_of=DeliveryPart("slack/C1/1.5/", place) if edited else None,
            )
            for place, name in enumerate(names)
        ]
        receipt = await store.accept(f"v{version}", parts, channel=CHANNEL, now=NOW)
        return receipt.incident_ids

    before = await accept("", False, "disk", "queue")
    assert len(set(before)) == 2
    assert await accept("2", True, "drive", "backlog") == before


async def test_an_edit_joins_what_its_message_joined_and_takes_its_place(store: Store) -> None:
    async def say(
        firing_alert: Alert, version: str, edit_of: str = "slack/C1/1.5/"
    ) -> tuple[int, ...]:
        identified = replace(
            identify(firing_alert, dedup_key=f"slack/C1/1.5/{version}#0"),
            edit_of=DeliveryPart(edit_of, 0) if edit_of else None,
        )
        receipt = await store.accept(f"say-{version}", [identified], channel=CHANNEL, now=NOW)
        return receipt.incident_ids

    bare = {"env": "", "service": "", "category": ""}
    (incident_id,) = await say(alert(**bare, name="Disk full", fingerprint="fp-1"), "", "")
    other = alert(**bare, name="Disk full!", fingerprint="fp-2")
    near = replace(
        identify(other, dedup_key="slack/C1/1.50/#0"), edit_of=DeliveryPart("slack/C1/1.50/", 0)
    )
    stranger = await store.accept("near", [near], channel=CHANNEL, now=NOW)
    assert stranger.opened, "1.50 is another message than 1.5"
    edited = alert(**bare, name="Disk is full", fingerprint="fp-3")
    assert await say(edited, "2") == (incident_id,)
    assert (await store.incident(incident_id)).firing == 1
    assert await say(resolved(**bare, name="Disk is fine", fingerprint="fp-4"), "3") == (
        incident_id,
    )
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED
