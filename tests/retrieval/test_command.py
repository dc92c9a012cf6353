"""`python -m bot runbooks search`: a line in, a line out, without settings and without network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.helpers.labelled_alerts import RUNBOOKS, labelled_alerts


def search(*lines: str, limit: int = 10) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "runbooks", "search", "--dir", str(RUNBOOKS), "--json",
         "--limit", str(limit)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        env={"PATH": ""},
        timeout=120,
    )  # fmt: skip


def test_the_command_answers_each_alert_and_names_each_bad_line() -> None:
    labelled = next(item for item in labelled_alerts("tuning") if item.path)
    alert = {"labels": labelled.labels, "annotations": labelled.annotations, "status": "firing"}
    unnamed = {**alert, "labels": {k: v for k, v in alert["labels"].items() if k != "alertname"}}
    nothing = {"labels": {}, "annotations": {"summary": "The coffee machine wants beans"}}
    done = search(
        json.dumps({"id": "named", "alert": alert}),
        "no JSON",
        json.dumps({"id": 2, "alert": unnamed}),
        json.dumps({"id": "none", "alert": nothing}),
        '{"id": 3}',
        '{"id": 4, "alert": {"labels": []}}',
        json.dumps({"id": None, "alert": {}}),
        limit=3,
    )
    answers = {line["id"]: line["documents"] for line in map(json.loads, done.stdout.splitlines())}
    assert list(answers) == ["named", 2, "none", None]
    for documents in (answers["named"], answers[2]):
        assert documents[0]["path"] == labelled.path
        assert set(documents[0]) == {"path", "heading", "score"}
        scores = [document["score"] for document in documents]
        assert scores == sorted(scores, reverse=True)
        assert len(documents) <= 3
    assert answers["none"] == answers[None] == []
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "line 2",
        "line 5",
        "line 6",
    ]
    assert done.returncode == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "runbooks", "search", "--dir", str(tmp_path / "no")],
        input="", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no: cannot be read: No such file or directory" in done.stderr


def test_a_reader_that_has_enough_ends_the_command_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "runbooks", "search", "--dir", str(RUNBOOKS), "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        running.stdin.write('{"id": 1, "alert": {}}\n')
        running.stdin.close()
        assert running.stderr.read() == ""
    assert running.returncode == 141


def test_synonyms_without_a_store_are_a_message_and_no_file_is_made(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "runbooks", "synonyms", "--dir", str(tmp_path)],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(Path.cwd()), "STORE_URL": "sqlite:///no.db"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "no.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "no.db").exists()
