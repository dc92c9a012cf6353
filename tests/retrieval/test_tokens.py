"""Search terms: identifiers are split, forms of a word meet, and noise is left out."""

from __future__ import annotations

import pytest

from bot.retrieval.tokens import terms


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("KubePodCrashLooping", "kube_pod_crash_looping"),
        ("etcdMembersDown", "etcd members down"),
        ("OOMKilled", "oom killed"),
        ("HTTPCode_ELB_5XX_Count", "http code elb 5xx counts"),
        ("certificates expire", "a certificate is expiring"),
        ("replicated", "replicating"),
        ("queries", "query"),
        ("ＤＩＳＫ full", "disk full"),
    ],
)
def test_two_ways_to_write_one_thing_share_their_terms(left: str, right: str) -> None:
    assert set(terms(right)) <= set(terms(left))


def test_numbers_hashes_and_stop_words_are_no_terms() -> None:
    assert terms("The pod has been at 97% for 15 minutes since 2026-11-02T12:00:00Z") == ["pod"]
    assert terms("cart-5d8c7b9f4-x2x9z") == ["cart"]
    assert terms("5xx at p99 over http2") == ["5xx", "p99", "http2"]


def test_words_that_mean_different_faults_stay_apart() -> None:
    for left, right in [("node", "no"), ("status", "state"), ("process", "procedure")]:
        assert not set(terms(left)) & set(terms(right))


def test_text_without_spaces_between_words_is_cut_in_pairs() -> None:
    assert terms("磁盘空间") == ["磁盘", "盘空", "空间"]


def test_a_word_of_a_megabyte_is_no_term() -> None:
    assert terms("x" * 1_000_000) == []
