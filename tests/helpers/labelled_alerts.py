"""Alerts, each with the runbook that it is about, or with none.

The tuning half may be looked at to choose a number; the judging half decides whether it is good.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bot.retrieval.markdown import Document, Passage
from bot.retrieval.queries import Query, build_query

FOLDER = Path(__file__).parents[1] / "retrieval"
RUNBOOKS = FOLDER / "runbooks"


@dataclasses.dataclass(frozen=True)
class LabelledAlert:
    """An alert; `path` and `heading` of the passage about it, None where no runbook is."""

    id: str
    labels: dict[str, str]
    annotations: dict[str, str]
    path: str | None
    heading: str | None

    def query(self, *, named: bool = False) -> Query:
        """Return its query, without its name unless `named`."""
        labels = {key: text for key, text in self.labels.items() if named or key != "alertname"}
        return build_query(labels=labels, annotations=self.annotations)


def labelled_alerts(half: str) -> list[LabelledAlert]:
    """Return the alerts of a half: `tuning` or `judging`."""
    lines = (FOLDER / f"alerts.{half}.jsonl").read_text("utf-8").splitlines()
    return [
        LabelledAlert(
            row["id"],
            row["alert"]["labels"],
            row["alert"]["annotations"],
            row["path"],
            row.get("heading"),
        )
        for row in map(json.loads, lines)
    ]


def without_names(documents: Sequence[Document]) -> list[Document]:
    """Return the documents without their titles, front matter and paths, also within their texts.

    A path becomes `<number>.md`, by the order of the documents.
    """
    nameless = []
    for number, document in enumerate(documents):
        names = "|".join(map(re.escape, (document.title, PurePosixPath(document.path).stem)))
        nameless.append(
            Document(
                f"{number}.md",
                "",
                tuple(_nameless(passage, names) for passage in document.passages),
            )
        )
    return nameless


def _nameless(passage: Passage, names: str) -> Passage:
    def clean(text: str) -> str:
        return re.sub(names, " ", text, flags=re.IGNORECASE)

    return Passage(
        clean(passage.heading),
        passage.line,
        clean(passage.text),
        tuple(map(clean, passage.parents)),
    )
