"""`python -m bot audit verify` and `export` as an operator runs them: words and exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from store.audit import whole_trail
from tests.helpers.bot_processes import Command
from tests.helpers.builders import AUDIT_KEY
from tests.helpers.commands import environment
from tests.helpers.filled_stores import (
    ENGINES,
    ROOT,
    StoreMaker,
    bot_lives,
    change,
    from_the_future,
)

KEY = AUDIT_KEY.raw.decode()


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


def run(*arguments: object, folder: Path, **settings: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    settings_ = environment({"AUDIT_KEY": KEY} | settings)
    code, out, err = Command([*map(str, arguments)], settings_, folder).ended()
    assert KEY not in out + err
    return code, out, err


def test_verify_proves_every_row_and_says_where_the_trail_ends(url: str, tmp_path: Path) -> None:
    bot_lives(url)
    code, out, err = run("audit", "verify", folder=tmp_path, STORE_URL=url)
    proof = whole_trail.prove(url, AUDIT_KEY)
    assert (code, err) == (0, "")
    assert f": {proof.rows:,} rows, 1 to {proof.seq},\n" in out
    assert f"  head {proof.head}\n" in out

    code, out, _ = run("audit", "verify", "--head", proof.head, folder=tmp_path, STORE_URL=url)
    assert code == 0
    assert "✓ The posted head is part of the trail." in out


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE audit SET actor = 'U0EVE' WHERE seq = 4", "✗ row 4 was edited.\n"),
        ("DELETE FROM audit WHERE seq = 4", "✗ row 4 is missing: row 5 comes instead.\n"),
        (
            "DELETE FROM audit WHERE seq > 9",
            r"✗ cut off at the end: rows 10 to \d+ are missing\.\n",
        ),
    ],
)
def test_verify_names_the_first_row_at_fault_and_fails(
    url: str, sql: str, text: str, tmp_path: Path
) -> None:
    change(url, sql)
    code, out, _ = run("audit", "verify", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert re.fullmatch(text, out), out


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "7"])
def test_verify_names_a_row_whose_value_is_no_text(
    value: str, store_maker: StoreMaker, tmp_path: Path
) -> None:
    url = store_maker.filled("sqlite")
    change(url, f"UPDATE audit SET detail = {value} WHERE seq = 4")  # noqa: S608
    code, out, _ = run("audit", "verify", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert out.startswith("✗ row 4 was edited")
    code, out, _ = run("export", "INC-19", folder=tmp_path, STORE_URL=url)
    assert code == 0
    assert "row 4 was edited" in json.loads(out)["trail"]


def test_verify_names_a_head_that_is_not_part_of_it(url: str, tmp_path: Path) -> None:
    code, out, _ = run("audit", "verify", "--head", "0" * 64, folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "an older copy was put in its place" in out
    code, _, err = run("audit", "verify", "--head", "0123", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "A head has 64 hexadecimal digits." in err


def test_another_key_is_called_that(url: str, tmp_path: Path) -> None:
    code, out, _ = run(
        "audit", "verify", folder=tmp_path, STORE_URL=url, AUDIT_KEY="another key of 16 bytes"
    )
    assert (code, out) == (1, "✗ this is not the key that the chain was made with.\n")


@pytest.mark.parametrize("texts", [("audit", "verify"), ("export", "INC-1")])
def test_without_a_key_it_says_what_is_missing(texts: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = run(*texts, folder=tmp_path, AUDIT_KEY="")
    assert code == 78
    assert "✗ AUDIT_KEY: " in err


def test_of_no_store_it_says_so_and_makes_none(tmp_path: Path) -> None:
    code, _, err = run("audit", "verify", folder=tmp_path)
    assert code == 1
    assert "There is no store" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trail_with_nothing_in_it_is_no_fault(
    engine: str, store_maker: StoreMaker, tmp_path: Path
) -> None:
    storage = store_maker.empty(engine)
    run("store", "migrate", folder=tmp_path, STORE_URL=storage)
    code, out, _ = run("audit", "verify", folder=tmp_path, STORE_URL=storage)
    assert code == 0
    assert "the audit trail is empty" in out


def test_a_store_of_before_the_trail_is_named(url: str, tmp_path: Path) -> None:
    table = "_sqlite_migrations" if url.startswith("sqlite") else "sopbot_migrations"
    change(url, f"DELETE FROM {table} WHERE name = 'm003_expand_audit'")  # noqa: S608
    code, _, err = run("audit", "verify", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "has no audit trail yet (without m003_expand_audit)" in err
    assert "store migrate" in err


def test_a_store_of_a_newer_bot_can_still_be_proved(url: str, tmp_path: Path) -> None:
    from_the_future(url, "m999_expand_tomorrow")
    assert run("audit", "verify", folder=tmp_path, STORE_URL=url)[0] == 0


def test_export_writes_a_bundle_that_verify_proves(url: str, tmp_path: Path) -> None:
    file = tmp_path / "incident.json"
    code, out, err = run("export", "inc-2", "--out", file, folder=tmp_path, STORE_URL=url)
    assert (code, err) == (0, "")
    assert f"✓ INC-2 is in {file}" in out
    assert file.stat().st_mode & 0o777 == 0o600
    code, out, _ = run("audit", "verify", "--bundle", file, folder=tmp_path)
    assert code == 0
    assert out.startswith("✓ INC-2: every part is unchanged since the export at 2")

    export = json.loads(file.read_text(encoding="utf-8"))
    export["parts"]["thread"][0]["text"] = "something else"
    file.write_text(json.dumps(export), encoding="utf-8")
    code, out, _ = run("audit", "verify", "--bundle", file, folder=tmp_path)
    assert (code, out) == (1, "✗ the part 'thread' was edited.\n")


def test_export_without_a_file_goes_to_the_terminal(url: str, tmp_path: Path) -> None:
    code, out, _ = run("export", "INC-1", folder=tmp_path, STORE_URL=url)
    assert code == 0
    assert json.loads(out)["incident"] == "INC-1"


def test_export_refuses_what_it_cannot_do(url: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for sentence, text in (
        (("INC-4711",), "There is no INC-4711."),
        (("banana",), "'banana' is no incident. Name it as INC-142."),
        (("INC-1", "--out", there), "is there already"),
        (("INC-1", "--out", tmp_path / "no" / "folder"), "cannot be written"),
    ):
        code, out, err = run("export", *sentence, folder=tmp_path, STORE_URL=url)
        assert (code, out) == (1, "")
        assert text in err
    assert there.read_text() == "mine"


def test_with_another_key_a_new_trail_begins_and_the_old_one_is_kept(
    url: str, tmp_path: Path
) -> None:
    former = whole_trail.prove(url, AUDIT_KEY)
    begin = ("audit", "begin-anew", "--reason", "key changed", "--backup", tmp_path / "old.db")
    settings = {"STORE_URL": url, "AUDIT_KEY": "the new key of the tests"}
    code, out, err = run(*begin, folder=tmp_path, **settings)
    assert (code, err) == (0, "")
    assert f"continues at row {former.seq + 1}" in out

    code, out, _ = run("audit", "verify", folder=tmp_path, **settings)
    assert code == 0, out
    assert f"! row {former.seq + 1}: the trail was begun anew here: key changed.\n" in out
    assert run("audit", "verify", folder=tmp_path, STORE_URL=url)[0] == 1
    old = f"sqlite:///{tmp_path / 'old.db'}"
    code, out, _ = run("audit", "verify", "--head", former.head, folder=tmp_path, STORE_URL=old)
    assert code == 0, out
    assert run("store", "status", folder=tmp_path, STORE_URL=url)[0] == 0
    code, _, err = run(*begin, folder=tmp_path, **settings)
    assert code == 1
    assert "is there already" in err


def test_no_trail_begins_anew_under_a_running_bot(url: str, tmp_path: Path) -> None:
    bot_lives(url)
    begin = ("audit", "begin-anew", "--reason", "x", "--backup", tmp_path / "old.db")
    code, _, err = run(*begin, folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "A bot is running on" in err
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    code, _, err = run("audit", "verify", "--bundle", tmp_path / "none", folder=tmp_path)
    assert code == 1
    assert "cannot be read" in err
    (tmp_path / "text").write_text("hello")
    code, out, _ = run("audit", "verify", "--bundle", tmp_path / "text", folder=tmp_path)
    assert code == 1
    assert out.startswith("✗ this is not a bundle")


def test_the_proof_of_the_whole_repository_names_the_commands() -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    for command in (
        "audit begin-anew",
        "audit verify",
        "audit verify --head",
        "audit verify --bundle",
        "export INC-",
    ):
        assert f"python -m bot {command}" in text
