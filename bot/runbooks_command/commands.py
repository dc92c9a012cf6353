"""Searches, indexes and checks a folder of runbooks, without settings and without network."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import InputError, SopbotError
from bot.intake.fields import an_object
from bot.retrieval.embeddings import load_embedder
from bot.retrieval.folder import RunbookFile, Skipped, file_names, read_files, read_folder
from bot.retrieval.lint import problems_in
from bot.retrieval.markdown import Document
from bot.retrieval.queries import Query, build_query
from bot.retrieval.search import Hit, RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex
from bot.retrieval.synonyms import Synonyms, read_synonyms

LONGEST_LINE = 1_048_576  # bytes of one alert


@dataclass(frozen=True, slots=True)
class Question:
    """An alert to search for, under the sender's id."""

    id: Any
    query: Query


def run(options: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    try:
        if options.verb == "lint":
            return _lint(options.dir)
        if options.verb == "synonyms":
            return _synonyms(options.dir)
        documents, skipped = read_folder(options.dir)
        synonyms, problems = read_synonyms(options.dir)
    except OSError as error:
        print(f"{options.dir}: cannot be read: {error.strerror or error}", file=sys.stderr)
        return 1
    for item in skipped:
        print(f"{item.path}: not read: {item.reason}", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    try:
        search = _search_of(documents, options.index, synonyms)
    except sqlite3.Error as error:
        print(f"{options.index}: cannot be used as an index: {error}", file=sys.stderr)
        return 1
    if options.verb == "index":
        passages = sum(len(document.passages) for document in documents)
        vectors = "with" if search.has_vectors else "without"
        print(f"{len(documents)} runbooks, {passages} passages, {vectors} vectors")
        return 0
    return _answer_lines(search, options.limit, as_json=options.json)


def _search_of(
    documents: Sequence[Document], file: Path | None, synonyms: Synonyms
) -> RunbookSearch:
    index = SqliteIndex(str(file) if file else ":memory:")
    index.replace(documents, synonyms)
    return RunbookSearch(index, load_embedder(), synonyms)


def _synonyms(folder: Path) -> int:
    # The other verbs need neither settings nor a store, and do not load them.
    from bot.runbooks_command.learned import suggested_lines

    try:
        print(*suggested_lines(folder), sep="\n")
    except SopbotError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _lint(folder: Path) -> int:
    items = list(read_files(folder))
    files = [item for item in items if isinstance(item, RunbookFile)]
    problems = [*problems_in(files, file_names(folder)), *read_synonyms(folder)[1]]
    for problem in problems:
        print(problem)
    for item in items:
        if isinstance(item, Skipped):
            print(f"{item.path}: not read: {item.reason}")
    count = len(problems) + len(items) - len(files)
    print(f"{len(files)} runbooks, {count} problem{'' if count == 1 else 's'}", file=sys.stderr)
    return 1 if count else 0


def _answer_lines(search: RunbookSearch, limit: int, *, as_json: bool) -> int:
    """Answer each line of standard input; a bad one is named, and makes the exit code 1."""
    failed = 0
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            question = parse_question(line)
        except InputError as error:
            failed += 1
            print(f"line {number}: {error.message}", file=sys.stderr)
            continue
        hits = search.search(question.query, limit)
        print(_json_line(question, hits) if as_json else _text(question, hits), flush=True)
    return 1 if failed else 0


def parse_question(line: bytes) -> Question:
    """Read one line of the input, or raise InputError with what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise InputError(f"over {LONGEST_LINE >> 20} MiB", field="line")
    try:
        content = an_object(json.loads(line), "line")
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", field="line") from error
    alert = an_object(content.get("alert"), "alert")
    return Question(
        content.get("id"),
        build_query(
            labels=_texts(alert.get("labels"), "labels"),
            annotations=_texts(alert.get("annotations"), "annotations"),
        ),
    )


def _texts(value: Any, field: str) -> Mapping[str, str]:
    if value is None:
        return {}
    return {
        str(key): str(item) for key, item in an_object(value, field).items() if item is not None
    }


def _json_line(question: Question, hits: Sequence[Hit]) -> str:
    documents = [
        {"path": hit.passage.path, "heading": hit.passage.heading, "score": round(hit.score, 4)}
        for hit in hits
    ]
    return json.dumps({"id": question.id, "documents": documents}, ensure_ascii=False)


def _text(question: Question, hits: Sequence[Hit]) -> str:
    lines = [f"{question.id}: {len(hits)} found" if hits else f"{question.id}: nothing fits"]
    lines += [
        f"  {hit.score:.2f}  {hit.passage.path}:{hit.passage.line}  {hit.passage.heading}"
        for hit in hits
    ]
    return "\n".join(lines)
