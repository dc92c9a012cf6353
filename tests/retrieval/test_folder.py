"""The folder of runbooks is read within bounds, and nothing outside of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.retrieval import folder
from bot.retrieval.folder import Skipped, read_files, read_folder
from bot.retrieval.sqlite_index import SqliteIndex


def write(path: Path, text: str = "# Head\n\nBody\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def names(place: Path) -> tuple[list[str], list[str]]:
    documents, skipped = read_folder(place)
    return [document.path for document in documents], [item.path for item in skipped]


def test_markdown_files_are_read_at_any_depth_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/c.markdown", "a.md", "B.MD", "notes.txt", ".git/x.md", ".hidden.md"):
        write(tmp_path / name)
    assert names(tmp_path) == (["B.MD", "a.md", "b/c.markdown"], [])


@pytest.mark.attack("ASI02")
def test_a_link_out_of_the_folder_a_pipe_and_a_circle_are_not_read(tmp_path: Path) -> None:
    secret = write(tmp_path / "outside" / "secret.md", "password")
    place = tmp_path / "in"
    write(place / "real.md")
    (place / "inside.md").symlink_to(place / "real.md")  # as Kubernetes mounts a ConfigMap
    (place / "leak.md").symlink_to(secret)
    (place / "folder").symlink_to(secret.parent)
    (place / "circle.md").symlink_to(place / "circle.md")
    os.mkfifo(place / "pipe.md")
    assert names(place) == (["inside.md", "real.md"], ["circle.md", "leak.md", "pipe.md"])


@pytest.mark.attack("ASI08")
def test_a_name_that_is_not_utf_8_is_left_out_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path / "ok.md")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.md")).write_text("# Head\n\nBody\n")
    assert names(tmp_path) == (["ok.md"], ["a?.md"])
    index = SqliteIndex()
    index.replace(read_folder(tmp_path)[0])
    index.close()


@pytest.mark.attack("ASI08")
def test_the_size_of_a_file_the_depth_and_the_count_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "big.md", "x" * (folder.LARGEST_FILE + 1))
    write(tmp_path / Path(*["deep"] * (folder.MOST_DEPTH + 1)) / "a.md")
    write(tmp_path / "ok.md")
    read, skipped = names(tmp_path)
    assert read == ["ok.md"]
    assert skipped == ["big.md", "/".join(["deep"] * folder.MOST_DEPTH)]

    monkeypatch.setattr(folder, "MOST_FILES", 2)
    many = tmp_path / "many"
    for number in range(5):
        write(many / f"{number}.md")
    assert names(many) == (["0.md", "1.md"], ["2.md"])
    monkeypatch.setattr(folder, "LARGEST_TOTAL", 20)
    assert [type(item) for item in read_files(many)][-1] is Skipped


def test_bytes_that_are_not_utf8_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"# Caf\xe9\n\nBody")
    (document,) = read_folder(tmp_path)[0]
    assert document.title == "Caf\ufffd"
