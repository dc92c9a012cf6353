"""One incident as one file: whole, true to the store, proved by nothing but Python and a key."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotFound
from store.audit import proof, whole_trail
from store.audit.proof.export import manifest, read_export, verify_export
from store.audit.proof.rows import Fault
from store.audit.sealing import AuditKey
from tests.helpers.builders import (
    AUDIT_KEY,
)
from tests.helpers.exports import JSON, exported, verified, wrong
from tests.helpers.filled_stores import ENGINES, ROOT, StoreMaker


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


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
