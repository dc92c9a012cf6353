"""`runbooks lint` names what is wrong; `runbooks index` writes a file to search."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.retrieval.sqlite_index import SqliteIndex
from tests.helpers.labelled_alerts import RUNBOOKS

BAD = """---
title: 7
---
# Disk

## Meaning

[ok](b/other.md#the-second-one) [no file](gone.md) [no heading](b/other.md#third)
[out](../secret.md) [web](https://wiki.example/x) [here](#meaning) ![image](b/pic.png)

```sh
[code](gone-too.md)
# no heading
```

`[code](gone-as-well.md)`

## Empty

## Meaning

Twice.
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def test_lint_names_each_problem_by_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "bad.md", BAD)
    write(tmp_path, "b/other.md", "# Other\n\nText.\n\n## The second one!\n\nText.\n")
    write(tmp_path, "b/pic.png", "")
    write(tmp_path, "b/blank.md", "\n")
    write(tmp_path, "b/matter.md", "---\ntitle: [\n---\n# Head\n\nText.\n")
    (tmp_path / "leak.md").symlink_to("/etc/hostname")
    assert main(["runbooks", "lint", "--dir", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "b/blank.md:1: the file is empty",
        "b/matter.md:2: front matter: not YAML",
        "bad.md:1: front matter: title is no text",
        "bad.md:8: the link b/other.md#third leads to no heading",
        "bad.md:8: the link gone.md leads to no file",
        "bad.md:9: the link ../secret.md leads out of the folder",
        "bad.md:18: the section 'Empty' is empty",
        "bad.md:20: the heading 'Meaning' is there as in line 6",
        "leak.md: not read: it leads out of the folder",
    ]
    assert captured.err == "4 runbooks, 9 problems\n"


def test_our_own_runbooks_have_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runbooks", "lint", "--dir", str(RUNBOOKS)]) == 0, capsys.readouterr().out


def test_an_index_file_is_written_once_and_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = tmp_path / "runbooks", tmp_path / "index.db"
    write(folder, "disk.md", "# Disk full\n\nNo space left on the filesystem.\n")
    write(folder, "queue.md", "# Queue grows\n\nConsumers are slower than publishers.\n")
    arguments = ["--dir", str(folder), "--index", str(file)]
    assert main(["runbooks", "index", *arguments]) == 0
    assert capsys.readouterr().out == "2 runbooks, 2 passages, with vectors\n"

    alert = {"annotations": {"summary": "No space left on the filesystem"}}
    line = json.dumps({"id": 1, "alert": alert}).encode()

    def searched() -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
        assert main(["runbooks", "search", "--json", *arguments]) == 0
        answers = json.loads(capsys.readouterr().out)["documents"]
        return [document["path"] for document in answers]

    before = file.read_bytes()
    assert searched()[:1] == ["disk.md"]
    assert file.read_bytes() == before, "nothing changed, so nothing is written"
    write(folder, "disk.md", "# Printer\n\nThe printer has no paper.\n")
    assert "disk.md" not in searched()
    assert len(SqliteIndex(str(file)).rows()) == 2

    file.write_bytes(b"no database" * 100)
    assert main(["runbooks", "index", *arguments]) == 1
    assert "cannot be used as an index" in capsys.readouterr().err
