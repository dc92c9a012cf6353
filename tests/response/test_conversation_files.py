"""Conversations as files: written whole, bounded, under harmless names; read once at the start."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.response import conversation_files
from bot.response.conversation_files import ConversationFiles
from store import Store, open_store

NOW = datetime(2026, 11, 27, 14, 2, tzinfo=UTC)
SOP = "sop_e3389dc114b9"
KEY = "prod|web|cpu|high"


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = await open_store("sqlite://", owner="bot-a")
    yield store
    await store.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "conversations"


def put(root: Path, **texts: str) -> None:
    """Write files, each named by its keyword."""
    root.mkdir(exist_ok=True)
    for name, text in texts.items():
        (root / f"{name}.json").write_text(text)


def names(root: Path) -> list[str]:
    """Return every name below the folder."""
    return sorted(path.name for path in root.rglob("*"))


@pytest.fixture
def files(root: Path, store: Store) -> ConversationFiles:
    return ConversationFiles(root, store, lambda: NOW)


async def test_a_file_has_the_last_question_and_the_last_turns(
    files: ConversationFiles, store: Store, root: Path
) -> None:
    for number in range(8):
        await store.remember(SOP, None, "person", f"why {number}?", NOW)
        await store.remember(SOP, None, "advisor", f"because {number}", NOW)
    await files.write(SOP, KEY)
    content = json.loads((root / f"{SOP}.json").read_text())
    assert content["incident_key"] == KEY
    assert (content["prompt"], content["response"]) == ("why 7?", "because 7")
    assert (content["sop_id"], content["timestamp"]) == (SOP, "2026-11-27T14:02:00Z")
    assert [turn["text"] for turn in content["history"]][-2:] == ["why 7?", "because 7"]
    assert len(content["history"]) == 10
    assert names(root) == [f"{SOP}.json"], "no temporary file is left"


async def test_a_write_that_fails_leaves_the_old_file_and_is_logged(
    files: ConversationFiles,
    store: Store,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await store.remember(SOP, None, "person", "first?", NOW)
    await files.write(SOP, KEY)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    await store.remember(SOP, None, "person", "second?", NOW)
    await files.write(SOP, KEY)
    assert json.loads((root / f"{SOP}.json").read_text())["prompt"] == "first?"
    assert names(root) == [f"{SOP}.json"]
    assert "No space left" in caplog.text


@pytest.mark.attack("ASI06")
@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "a\0b", "A", "x" * 65, "~", "a b"])
async def test_no_file_is_written_under_a_hostile_name(
    files: ConversationFiles, root: Path, name: str
) -> None:
    await files.write(name, KEY)
    assert names(root.parent) == []


async def test_the_files_of_qproxy_are_read_once_and_never_over_what_the_store_knows(
    files: ConversationFiles, store: Store, root: Path
) -> None:
    simple = {"incident_key": KEY, "prompt": "why?", "response": "disk", "sop_id": SOP}
    dated = json.dumps(simple | {"timestamp": "2025-10-12T01:02:03Z"})
    listed = json.dumps({"history": ["one", "two", 3, {"role": "x"}]})
    put(root, **{SOP: dated}, sop_list=listed, sop_known=json.dumps(simple))
    await store.remember("sop_known", None, "person", "ours", NOW)
    assert await files.read_once() == 2
    first, second = await store.turns(SOP)
    assert (first.role, first.text, second.role, second.text) == (
        "person",
        "why?",
        "advisor",
        "disk",
    )
    assert first.at == datetime(2025, 10, 12, 1, 2, 3, tzinfo=UTC)
    assert [turn.text for turn in await store.turns("sop_list")] == ["one", "two"]
    assert [turn.text for turn in await store.turns("sop_known")] == ["ours"]
    assert await files.read_once() == 0

    await files.write(SOP, KEY)  # our own file is read back by another store, whole
    other = await open_store("sqlite://", owner="bot-b")
    assert await ConversationFiles(root, other, lambda: NOW).read_once() == 3
    assert await other.turns(SOP) == await store.turns(SOP)
    await other.close()


def saved_by_q(prompt: str, answer: str, *, older: bool = False) -> object:
    """Return an entry of the history that `/save` of Q writes."""
    user = {"content": {"Prompt": {"prompt": prompt}}, "timestamp": "2026-10-12T03:02:03+02:00"}
    assistant = {"Response": {"message_id": None, "content": answer}}
    return [user, assistant] if older else {"user": user, "assistant": assistant}


@pytest.mark.parametrize("older", [False, True], ids=["entries", "pairs"])
async def test_a_conversation_that_q_saved_is_read_with_its_summary(
    files: ConversationFiles, store: Store, root: Path, *, older: bool
) -> None:
    tool = {"ToolUse": {"message_id": None, "content": "let me see", "tool_uses": []}}
    results = {"content": {"ToolUseResults": {"tool_use_results": []}}, "timestamp": None}
    history = [
        saved_by_q("why?", "\x1b[1mthe disk\x1b[0m", older=older),
        [results, tool] if older else {"user": results, "assistant": tool},
    ]
    put(root, **{SOP: json.dumps({"history": history, "latest_summary": ["before", {}]})})
    assert await files.read_once() == 1
    turns = await store.turns(SOP)
    assert [(turn.role, turn.text) for turn in turns] == [
        ("advisor", "before"),
        ("person", "why?"),
        ("advisor", "the disk"),
        ("advisor", "let me see"),
    ]
    assert turns[1].at == datetime(2026, 10, 12, 1, 2, 3, tzinfo=UTC)


async def test_a_conversation_that_q_compacted_is_its_summary(
    files: ConversationFiles, store: Store, root: Path
) -> None:
    put(root, **{SOP: json.dumps({"history": [], "latest_summary": "the disk fills up"})})
    assert await files.read_once() == 1
    assert [turn.text for turn in await store.turns(SOP)] == ["the disk fills up"]


@pytest.mark.attack("ASI06")
async def test_a_hostile_folder_stores_nothing_wrong(
    files: ConversationFiles,
    store: Store,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation_files, "MOST_BYTES", 2_000)
    texts = ["", "[", "[1]", '"x"', "[" * 1000, '{"prompt": 7, "history": {}}', '{"history": [[]]}']
    texts += ['{"latest_summary": [[]]}', '{"history": [[1, {"R": 2}], {"user": {"content": 3}}]}']
    texts.append(json.dumps({"prompt": "x" * 3_000}))
    put(root, **{f"sop_bad{number}": text for number, text in enumerate(texts)})
    odd = {"prompt": "nul \0 and \ud800", "timestamp": (NOW + timedelta(days=9)).isoformat()}
    put(root, **{"Not An Id": '{"prompt": "why?"}'}, sop_odd=json.dumps(odd))
    put(root / "sop_folder.json")
    os.mkfifo(root / "sop_pipe.json")
    put(root, sop_early=json.dumps(odd | {"timestamp": "0001-01-01T00:00:00+14:00"}))
    assert await files.read_once() == 2
    assert [turn.at for turn in await store.turns("sop_early")] == [NOW]
    [turn] = await store.turns("sop_odd")
    assert (turn.text, turn.at) == ("nul  and ?", NOW)
