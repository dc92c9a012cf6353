"""Alerts find their runbooks, judged on the half of the labels that chose no number."""

from __future__ import annotations

import pytest

from bot.retrieval.embeddings import load_embedder
from bot.retrieval.folder import read_folder
from tests.helpers.labelled_alerts import RUNBOOKS, labelled_alerts
from tests.helpers.retrieval_score import RetrievalScore, retrieval_score


def judged(variant: str, *, vectors: bool) -> RetrievalScore:
    embedder = load_embedder() if vectors else None
    assert (embedder is not None) == vectors, "run `make setup`: the extra retrieval is in dev"
    return retrieval_score(read_folder(RUNBOOKS)[0], labelled_alerts("judging"), variant, embedder)


def test_the_labelled_set_is_large_enough_to_judge_and_each_label_is_a_passage() -> None:
    documents = {document.path: document for document in read_folder(RUNBOOKS)[0]}
    alerts = labelled_alerts("tuning") + labelled_alerts("judging")
    about = [alert for alert in alerts if alert.path]
    assert len(documents) >= 40
    assert len(about) >= 80
    assert len(alerts) - len(about) >= 40
    for alert in about:
        headings = {passage.heading for passage in documents[alert.path or ""].passages}
        assert alert.heading is None or alert.heading in headings, alert.id


@pytest.mark.parametrize("variant", ["named", "hidden"])
def test_with_vectors_alerts_find_their_runbook_and_others_find_none(variant: str) -> None:
    score = judged(variant, vectors=True)
    assert score.hit_at_1 >= 0.85, score
    assert score.hit_at_3 >= 0.96, score
    assert score.false_match <= 0.05, score


def test_without_names_on_either_side_vectors_still_refuse_what_no_runbook_is_about() -> None:
    score = judged("nameless", vectors=True)
    assert score.hit_at_1 >= 0.75, score
    assert score.false_match <= 0.05, score


def test_without_vectors_alerts_find_their_runbook_and_most_others_find_none() -> None:
    score = judged("hidden", vectors=False)
    assert score.hit_at_1 >= 0.85, score
    assert score.false_match <= 0.15, score
