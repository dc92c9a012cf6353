"""One incident as one file: whole, true to the store, proved by nothing but Python and a key."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotFound
from store import audits, proof
from store.proof import Fault, read_bundle, verify_bundle
from store.sealing import AuditKey
from tests.store.places import ENGINES, ROOT, Places, change, content
from tests.store.shop import AUDIT_KEY

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(tmp_path_factory.mktemp("places"), lambda: request.getfixturevalue("postgres"))


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, places: Places) -> str:
    return places.filled(request.param)


def verified(url: str) -> int:
    """The id of an incident whose remediation was verified."""
    rows = content(url)["executions"]
    return next(int(row[2]) for row in rows if row[3] == "verified")


def exported(url: str) -> JSON:
    """Its bundle, as it stands in a file."""
    made = audits.export(url, AUDIT_KEY, verified(url))
    return read_bundle(json.dumps(made, indent=1))


def wrong(bundle: JSON, *, key: bytes = AUDIT_KEY.raw, head: str = "") -> str:
    try:
        verify_bundle(key, bundle, head=head)
    except Fault as fault:
        return str(fault)
    return ""


@pytest.fixture(scope="module")
def bundle(places: Places) -> JSON:
    return exported(places.filled("sqlite"))


def test_a_bundle_has_everything_and_is_proved(url: str) -> None:
    one = exported(url)
    parts = one["parts"]
    assert one["incident"] == f"INC-{parts['incident']['id']}"
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
        "answer",
        "verified",
    ]
    rows, until = verify_bundle(AUDIT_KEY.raw, one)
    assert (rows, until) == (7, parts["chain"]["until"]["mac"])
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
        audits.export(url, AUDIT_KEY, 4711)


def test_an_incident_with_nothing_on_record_is_proved_as_well(url: str) -> None:
    one = audits.export(url, AUDIT_KEY, 1)
    assert one["parts"]["chain"]["rows"] == []
    assert verify_bundle(AUDIT_KEY.raw, read_bundle(json.dumps(one))) == (0, "")


def test_the_docs_name_every_part(bundle: JSON) -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert re.findall(r'^    "(\w+)": ', text, re.MULTILINE) == list(bundle["parts"])


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value stands, and each list and mapping."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))


def test_any_value_that_is_changed_or_taken_out_anywhere_is_found(bundle: JSON) -> None:
    looked = 0
    for path in _leaves(bundle):
        if not path or path == ("manifest",):
            continue
        for take_out in (False, True):
            edited = copy.deepcopy(bundle)
            place: Any = edited
            for step in path[:-1]:
                place = place[step]
            if take_out:
                del place[path[-1]]
            else:
                place[path[-1]] = ["something else"]
            assert wrong(edited), f"nobody noticed a change of {path}"
            looked += 1
    assert looked > 300


def test_a_part_that_was_edited_is_named(bundle: JSON) -> None:
    edited = copy.deepcopy(bundle)
    edited["parts"]["alerts"][0]["body"]["service"] = "innocent"
    assert wrong(edited) == "the part 'alerts' was edited"
    edited = {**bundle, "incident": "INC-1"}
    assert wrong(edited).startswith("what stands beside the parts was edited")
    assert wrong({**bundle, "more": 1}).startswith("what stands beside the parts was edited")


def test_who_edits_and_makes_the_manifest_anew_lacks_the_key(bundle: JSON) -> None:
    edited = copy.deepcopy(bundle)
    edited["parts"]["approvals"][0]["votes"][0]["voter"] = "U0EVE"
    edited["manifest"] = proof.manifest(b"a key of his own", edited)
    assert wrong(edited)


def test_with_another_key_it_is_not_proved(bundle: JSON) -> None:
    assert "not the key" in wrong(bundle, key=b"another key of 16")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"format": 1}', "[" * 100_000, '{"a": 1, "a": 2}'],
)
def test_what_is_no_bundle_is_called_that(text: str) -> None:
    with pytest.raises(Fault, match="this is not a bundle"):
        read_bundle(text)


def test_a_name_that_stands_there_twice_is_found(bundle: JSON) -> None:
    text = json.dumps(bundle)
    with pytest.raises(Fault, match="twice"):
        read_bundle(text[:-1] + ', "incident": "INC-7"}')


def test_a_head_that_was_posted_is_found_in_it_or_not(bundle: JSON) -> None:
    chain = bundle["parts"]["chain"]
    assert wrong(bundle, head=chain["until"]["mac"]) == ""
    assert wrong(bundle, head=chain["rows"][2]["mac"]) == ""
    assert "is not among the rows" in wrong(bundle, head="0" * 64)


# The store may lie to the exporter: the trail knows better.


@pytest.mark.parametrize(
    ("sql", "told"),
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
    ],
)
def test_what_was_changed_in_the_store_before_is_found_too(url: str, sql: str, told: str) -> None:
    change(url, sql)
    assert told in wrong(exported(url))


def test_a_bundle_outlives_what_is_pruned(url: str) -> None:
    one = exported(url)
    change(url, "DELETE FROM audit")
    change(url, "DELETE FROM audit_anchors")
    assert wrong(one) == ""


# Alone


def alone(*words: object, key: str) -> tuple[int, str]:
    """`store/proof.py` in a Python without site-packages, without this repository."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(proof.__file__)), *map(str, words)],
        env={"AUDIT_KEY": key, "PYTHONUTF8": "1"} if key else {},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_standard_library_and_the_key_are_enough(bundle: JSON, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    key = AUDIT_KEY.raw.decode()
    code, said = alone(file, key=key)
    assert (code, said.partition(" ")[0]) == (0, "✓"), said
    assert bundle["incident"] in said
    assert alone(file, bundle["parts"]["chain"]["until"]["mac"], key=key)[0] == 0

    for words, with_key, told in (
        ((file,), "some other key of 16", "not the key of this bundle"),
        ((file, "0" * 64), key, "is not among the rows"),
        ((tmp_path / "none.json",), key, "No such file"),
    ):
        code, said = alone(*words, key=with_key)
        assert (code, told in said) == (1, True), said
    assert alone(file, key="")[0] == 2


def test_the_key_is_not_in_it(url: str) -> None:
    key = AuditKey("a key that is nowhere in the store")
    text = json.dumps(audits.export(url, key, verified(url)))
    assert "a key that is nowhere" not in text
    assert AUDIT_KEY.raw.decode() not in text
