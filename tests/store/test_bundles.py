"""One incident as one file: whole, true to the store, proved by nothing but Python and a key."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import EndKind, Reason
from bot.errors import NotFound
from bot.incidents.remediation import RemediationStatus
from store import Store, open_store
from store.audit import proof, whole_trail
from store.audit.proof.export import manifest, read_export, verify_export
from store.audit.proof.rows import Fault
from store.audit.sealing import AuditKey
from store.operations.audit_kinds import Kind
from store.statements import Operation, run, to_db_time
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    NOW,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    revoke,
    voter,
)
from tests.helpers.filled_stores import ENGINES, ROOT, StoreMaker, change, content

JSON = dict[str, Any]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


def verified(url: str) -> int:
    """The id of an incident whose remediation was verified."""
    rows = content(url)["executions"]
    return next(int(row[2]) for row in rows if row[3] == "verified")


def exported(url: str, incident_id: int | None = None) -> JSON:
    """Its bundle, or that of another one, as it stands in a file."""
    made = whole_trail.export(url, AUDIT_KEY, incident_id or verified(url))
    return read_export(json.dumps(made, indent=1))


def wrong(export: JSON, *, key: bytes = AUDIT_KEY.raw, head: str = "") -> str:
    try:
        verify_export(key, export, head=head)
    except Fault as fault:
        return str(fault)
    return ""


@pytest.fixture(scope="module")
def export(store_maker: StoreMaker) -> JSON:
    return exported(store_maker.filled("sqlite"))


def test_a_bundle_has_everything_and_is_proved(url: str) -> None:
    result = exported(url)
    parts = result["parts"]
    assert result["incident"] == f"INC-{parts['incident']['id']}"
    (approval,) = parts["approvals"]
    assert [vote["voter"] for vote in approval["votes"]] == ["U0ANA", "U0BEN"]
    assert approval["execution"]["state"] == "verified"
    assert approval["proposal"]["parameters"][0] == ["target", "web", "alert: service"]
    assert parts["alerts"][0]["body"]["name"] == "HighCpu"
    assert {entry["kind"] for entry in parts["thread"]} >= {"opened", "proposed", "approve"}
    assert [row["kind"] for row in parts["chain"]["rows"]] == [
        "proposed",
        "voted",
        "voted",
        "approved",
        "dispatching",
        "request",
        "answer",
        "verified",
    ]
    rows, until = verify_export(AUDIT_KEY.raw, result)
    assert (rows, until) == (8, parts["chain"]["until"]["mac"])
    assert parts["chain"]["until"]["name"] == "day/2026-11-21", "what was posted in Slack"


def test_of_other_incidents_it_has_only_macs(url: str) -> None:
    chain = exported(url)["parts"]["chain"]
    assert {row["incident_id"] for row in chain["rows"]} == {verified(url)}
    assert chain["links"], "others came in between or after"
    for _, body, mac in chain["links"]:
        assert re.fullmatch("[0-9a-f]{64}", body)
        assert re.fullmatch("[0-9a-f]{64}", mac)


def test_an_incident_that_there_is_not_has_none(url: str) -> None:
    with pytest.raises(NotFound, match="INC-4711"):
        whole_trail.export(url, AUDIT_KEY, 4711)


def test_an_incident_with_nothing_on_record_is_proved_as_well(url: str) -> None:
    result = whole_trail.export(url, AUDIT_KEY, 1)
    assert result["parts"]["chain"]["rows"] == []
    assert verify_export(AUDIT_KEY.raw, read_export(json.dumps(result))) == (0, "")


def test_the_docs_name_every_part(export: JSON) -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert re.findall(r'^    "(\w+)": ', text, re.MULTILINE) == list(export["parts"])


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where each value stands, and each list and mapping."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))


def test_any_value_that_is_changed_or_taken_out_anywhere_is_found(export: JSON) -> None:
    looked = 0
    for path in _leaves(export):
        if not path or path == ("manifest",):
            continue
        for take_out in (False, True):
            edited = copy.deepcopy(export)
            storage: Any = edited
            for step in path[:-1]:
                storage = storage[step]
            if take_out:
                del storage[path[-1]]
            else:
                storage[path[-1]] = ["something else"]
            assert wrong(edited), f"nobody noticed a change of {path}"
            looked += 1
    assert looked > 300


def test_a_part_that_was_edited_is_named(export: JSON) -> None:
    edited = copy.deepcopy(export)
    edited["parts"]["alerts"][0]["body"]["service"] = "innocent"
    assert wrong(edited) == "the part 'alerts' was edited"
    edited = {**export, "incident": "INC-1"}
    assert wrong(edited).startswith("what stands beside the parts was edited")
    assert wrong({**export, "more": 1}).startswith("what stands beside the parts was edited")


def test_who_edits_and_makes_the_manifest_anew_lacks_the_key(export: JSON) -> None:
    edited = copy.deepcopy(export)
    edited["parts"]["approvals"][0]["votes"][0]["voter"] = "U0EVE"
    edited["manifest"] = manifest(b"a key of his own", edited)
    assert wrong(edited)


def test_with_another_key_it_is_not_proved(export: JSON) -> None:
    assert "not the key" in wrong(export, key=b"another key of 16")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"format": 1}', "[" * 100_000, '{"a": 1, "a": 2}'],
)
def test_what_is_no_bundle_is_called_that(text: str) -> None:
    with pytest.raises(Fault, match="this is not a bundle"):
        read_export(text)


def test_a_name_that_stands_there_twice_is_found(export: JSON) -> None:
    text = json.dumps(export)
    with pytest.raises(Fault, match="twice"):
        read_export(text[:-1] + ', "incident": "INC-7"}')


def test_a_head_that_was_posted_is_found_in_it_or_not(export: JSON) -> None:
    chain = export["parts"]["chain"]
    assert wrong(export, head=chain["until"]["mac"]) == ""
    assert wrong(export, head=chain["rows"][2]["mac"]) == ""
    assert "is not among the rows" in wrong(export, head="0" * 64)


# The store may lie to the exporter: the trail knows better.


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE votes SET voter = 'U0EVE' WHERE voter = 'U0ANA'", "other votes are on record"),
        ("DELETE FROM votes WHERE voter = 'U0BEN'", "other votes are on record"),
        ("UPDATE approvals SET digest = 'forged'", "another digest is on record"),
        (
            'UPDATE executions SET answer = \'{"stdout":"all good"}\' WHERE answer IS NOT NULL',
            "another answer is on record",
        ),
        ("UPDATE audit SET actor = 'U0EVE' WHERE kind = 'voted'", "was edited"),
        ("DELETE FROM audit WHERE kind = 'voted'", "is missing"),
        ("DELETE FROM audit WHERE incident_id IS NOT NULL", "are missing"),
        ("UPDATE audit_anchors SET at = '2027'", "was edited"),
        ("DELETE FROM audit_anchors", "is missing"),
        ("UPDATE approvals SET proposal = 'no JSON'", "has not the form of one"),
        (
            "UPDATE approvals SET proposal = replace(proposal, '\"web\"', '\"database\"')",
            "another action is on record",
        ),
        ("UPDATE audit SET detail = 'no JSON' WHERE kind = 'voted'", "was edited"),
        (
            'UPDATE approvals SET preview = \'["echo nothing","sha256:1","nothing"]\'',
            "not what was shown, by its digest",
        ),
        ("UPDATE approvals SET needed = 1", "not what was shown, by its digest"),
        ("UPDATE approvals SET approvers = '[\"U0EVE\"]'", "not what was shown, by its digest"),
        ("UPDATE approvals SET requested_by = 'U0EVE'", "not what was shown, by its digest"),
        (
            "UPDATE approvals SET requested_at = '2020-01-01T00:00:00.000000Z'",
            "not what was shown, by its digest",
        ),
        (
            "UPDATE approvals SET terms = replace(terms, '\"targets\":1', '\"targets\":9')",
            "not what was shown, by its digest",
        ),
        (
            "UPDATE approvals SET proposal = replace(proposal, '\"medium\"', '\"low\"')",
            "not what was shown, by its digest",
        ),
        ("UPDATE approvals SET target = 'database'", "another target is on record"),
        ("UPDATE approvals SET decided_by = 'U0EVE'", "another decided_by is on record"),
        (
            "UPDATE approvals SET decided_at = '2020-01-01T00:00:00.000000Z'",
            "another decided_at is on record",
        ),
        ("UPDATE approvals SET state = 'rejected'", "another state is on record"),
        ("UPDATE approvals SET reason = 'by itself'", "another reason is on record"),
        ("UPDATE votes SET at = '2020-01-01T00:00:00.000000Z'", "other votes are on record"),
        ("UPDATE votes SET reason = 'I was told to'", "other votes are on record"),
        ("UPDATE votes SET choice = 'reject'", "other votes are on record"),
        (
            "UPDATE executions SET state = 'failed', error = 'it was not us'",
            "another state of its execution is on record",
        ),
        ("UPDATE executions SET error = 'x'", "another error of its execution is on record"),
        ("UPDATE executions SET by_hand = 'U0EVE'", "another by_hand of its execution"),
        ("UPDATE executions SET verify_note = '500'", "another verify_note of its execution"),
        ("UPDATE executions SET answer = NULL", "another answer is on record"),
        ("DELETE FROM executions", "its execution is on record, and missing"),
        ("UPDATE alerts SET body = replace(body, '93', '12')", "another one is on record"),
        ("UPDATE alerts SET severity = 'low'", "another one is on record"),
    ],
)
def test_what_was_changed_in_the_store_before_is_found_too(url: str, sql: str, text: str) -> None:
    incident = verified(url)
    change(url, sql)
    assert text in wrong(exported(url, incident))


def test_an_approval_that_was_put_into_the_store_is_not_on_record(url: str) -> None:
    copied = (
        "incident_id, state, proposal, preview, requested_by, requested_at, expires_at, needed,"
        " approvers, digest"
    )
    change(
        url,
        f"INSERT INTO approvals (id, origin, {copied})"  # noqa: S608
        f" SELECT 'forged' || id, 'forged' || id, {copied} FROM approvals",
    )
    assert "that it was proposed is not on record" in wrong(exported(url))


def test_an_approval_that_was_taken_out_of_the_store_is_missed(url: str) -> None:
    incident = verified(url)
    for table in ("executions", "votes", "approvals"):
        change(url, f"DELETE FROM {table}")  # noqa: S608
    assert "on record, and missing" in wrong(exported(url, incident))


def test_an_alert_that_was_taken_out_of_the_store_is_missed(url: str) -> None:
    # Retention takes the oldest first, and none of what is open.
    incident = exported(url)["parts"]["incident"]["id"]
    change(url, "DELETE FROM alerts WHERE status = 'firing'")
    assert wrong(exported(url)) == "", "as if retention had forgotten it"
    change(url, "UPDATE incidents SET status = 'acknowledged' WHERE id = ?", incident)
    assert "it is on record, and missing here" in wrong(exported(url))


def on(url: str, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Return what comes of it on that store."""

    async def run() -> Any:
        store = await open_store(url, owner="bot-a", audit_key=AUDIT_KEY)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def every_bundle_is_proved(url: str) -> int:
    """Return how many had an approval."""
    count = 0
    for row in content(url)["incidents"]:
        result = exported(url, int(row[0]))
        assert wrong(result) == "", row
        count += bool(result["parts"]["approvals"])
    return count


NUL = "because \0 of \ud800 it"


async def every_turn(store: Store) -> None:
    """Fill a store with an incident for each course of an approval and its execution."""

    async def asking(**changes: Any) -> Approval:
        name = f"turn-{next(numbers)}"
        return await pending_approval(
            store, (await open_incident(store, service=name, fingerprint=name)).id, **changes
        )

    async def yes(approval: Approval) -> Approval:
        return await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1), reason=NUL)

    async def sent(**changes: Any) -> Execution:
        await yes(await asking(**changes))
        execution = await claim_execution(store, later(2))
        assert execution is not None
        await requested(execution)
        return execution

    async def requested(execution: Execution) -> None:
        await store.record(
            Kind.REQUEST,
            now=later(2),
            incident_id=execution.incident_id,
            subject=execution.approval_id,
        )

    numbers = itertools.count()
    states = RemediationStatus
    await revoke(store, (await asking()).id, NUL, later(1))
    await revoke(store, (await yes(await asking())).id, NUL, later(2))
    await revoke(store, (await sent()).approval_id, NUL, later(3))
    on_its_way = await sent()
    await revoke(store, on_its_way.approval_id, NUL, later(3))
    await store.finish_execution(
        on_its_way, states.SUCCEEDED, answer={"stdout": "ok"}, error="", now=later(4)
    )
    not_run = await sent()
    await store.finish_execution(
        not_run, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    await store.mark_not_run(not_run, BEN, later(4))
    approval = await asking()
    await store.vote(approval.id, voter(BEN), Choice.REJECT, TEAM, later(1), reason="no")
    closed = await asking()
    await store.resolve(closed.incident_id, ANA, later(2))
    await asking(expires_at=later(1))
    await store.expire_approvals(later(2))

    alone = await asking(
        needed=0, state=states.APPROVED, decided_at=NOW, reason=Reason(kind=EndKind.BY_POLICY)
    )
    execution = await claim_execution(store, later(2))
    assert execution is not None
    assert execution.approval_id == alone.id
    await requested(execution)
    await store.finish_execution(execution, states.FAILED, answer=None, error=NUL, now=later(3))

    unknown = await sent()
    await store.finish_execution(
        unknown, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    await store.mark_by_hand(unknown, BEN, later(4), later(99))
    await store.conclude(unknown.id, states.SUCCEEDED, "nobody can tell", later(5))

    asked_after = await sent()
    await store.finish_execution(
        asked_after, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    answer = {"stdout": NUL}
    await store.finish_execution(
        asked_after, states.SUCCEEDED, answer=answer, error="", now=later(4), looked_up=True
    )
    await store.conclude(asked_after.id, states.NOT_VERIFIED, NUL, later(5))
    undo = await sent(undoes=asked_after.id)
    await store.finish_execution(undo, states.SUCCEEDED, answer=answer, error="", now=later(6))
    assert (await store.execution(asked_after.id)).state is states.UNDONE


def test_whatever_a_remediation_goes_through_its_bundle_is_proved(url: str) -> None:
    before = every_bundle_is_proved(url)
    on(url, every_turn)
    assert every_bundle_is_proved(url) == before + 12


async def half_forgotten(store: Store) -> int:
    """An incident of which that something was proposed is pruned, and the vote is not."""
    day = 86_400
    incident = await open_incident(store, service="old", fingerprint="fp-old")
    asked_at, until = later(9 * day), later(12 * day)
    result = await pending_approval(store, incident.id, requested_at=asked_at, expires_at=until)
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(10 * day))
    await store.prune_audit(later(10 * day), later(11 * day))
    return incident.id


def test_what_retention_left_of_an_approval_is_proved(url: str) -> None:
    incident = on(url, half_forgotten)
    result = exported(url, incident)
    kinds = [row["kind"] for row in result["parts"]["chain"]["rows"]]
    assert kinds == ["voted", "approved"]
    assert wrong(result) == ""
    change(url, "UPDATE executions SET state = 'failed' WHERE incident_id = ?", incident)
    assert "another state of its execution is on record" in wrong(exported(url, incident))
    change(url, "UPDATE approvals SET requested_at = '2027' WHERE incident_id = ?", incident)
    assert "that it was proposed is not on record" in wrong(exported(url, incident))


def test_a_bundle_outlives_what_is_pruned(url: str) -> None:
    result = exported(url)
    change(url, "DELETE FROM audit")
    change(url, "DELETE FROM audit_anchors")
    assert wrong(result) == ""


# Alone


def alone(folder: Path, *arguments: object, key: str) -> tuple[int, str]:
    """Run a copy of `store/audit/proof` without site-packages and without this repository."""
    source = Path(proof.__file__).parent
    shutil.copytree(source, folder / "proof", dirs_exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-E", "-S", "-s", "-m", "proof", *map(str, arguments)],
        cwd=folder,
        env={"AUDIT_KEY": key, "PYTHONUTF8": "1"} if key else {},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_standard_library_and_the_key_are_enough(export: JSON, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(export), encoding="utf-8")
    key = AUDIT_KEY.raw.decode()
    code, value = alone(tmp_path, file, key=key)
    assert (code, value.partition(" ")[0]) == (0, "✓"), value
    assert export["incident"] in value
    assert alone(tmp_path, file, export["parts"]["chain"]["until"]["mac"], key=key)[0] == 0

    for text, with_key, result in (
        ((file,), "some other key of 16", "not the key of this bundle"),
        ((file, "0" * 64), key, "is not among the rows"),
        ((tmp_path / "none.json",), key, "No such file"),
    ):
        code, value = alone(tmp_path, *text, key=with_key)
        assert (code, result in value) == (1, True), value
    assert alone(tmp_path, file, key="")[0] == 2


def test_the_key_is_not_in_it(url: str) -> None:
    key = AuditKey("a key that is nowhere in the store")
    text = json.dumps(whole_trail.export(url, key, verified(url)))
    assert "a key that is nowhere" not in text
    assert AUDIT_KEY.raw.decode() not in text


REVOKED_BEFORE = "the plan drifted"


async def revoked_by_an_older_version(store: Store) -> tuple[int, int]:
    """Two incidents whose approvals were revoked with a sentence; one request was sent before."""
    ids = []
    for name, is_sent in (("kept", False), ("answered", True)):
        incident = await open_incident(store, service=name, fingerprint=f"fp-{name}")
        approval = await pending_approval(store, incident.id)
        await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
        execution = await claim_execution(store, later(2))
        assert execution is not None
        await store.record(
            Kind.REQUEST, now=later(2), incident_id=incident.id, subject=execution.approval_id
        )
        await store._write(_revoke_as_before, execution)
        await store.record(
            Kind.REVOKED,
            now=later(3),
            incident_id=incident.id,
            subject=approval.id,
            detail={"why": REVOKED_BEFORE},
        )
        expected = REVOKED_BEFORE
        if is_sent:
            await store.finish_execution(
                execution, RemediationStatus.SUCCEEDED, answer={}, error="", now=later(4)
            )
            expected = f"sent before it was revoked: {REVOKED_BEFORE}"
        assert sentence((await store.approval(approval.id)).reason) == expected
        ids.append(incident.id)
    kept, answered = ids
    return kept, answered


def _revoke_as_before(execution: Execution) -> Operation[None]:
    yield run(
        "UPDATE executions SET state = 'revoked', error = ?, finished_at = ? WHERE id = ?",
        REVOKED_BEFORE,
        to_db_time(later(3)),
        execution.id,
    )
    yield run(
        "UPDATE approvals SET state = 'revoked', reason = ? WHERE id = ?",
        REVOKED_BEFORE,
        execution.approval_id,
    )


def test_what_an_older_version_revoked_is_shown_and_proved_as_before(url: str) -> None:
    for incident, text in zip(
        on(url, revoked_by_an_older_version),
        (REVOKED_BEFORE, f"sent before it was revoked: {REVOKED_BEFORE}"),
        strict=True,
    ):
        document = exported(url, incident)
        verify_export(AUDIT_KEY.raw, document)
        (approval,) = document["parts"]["approvals"]
        assert approval["reason"] == text
