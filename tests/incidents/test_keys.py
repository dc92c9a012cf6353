"""Identity: the same words always give the same key, id and fingerprint."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.incidents.keys import (
    fingerprint_of,
    incident_key_of,
    is_sop_id,
    is_tracking_id,
    new_tracking_id,
    normalise,
    sop_id_of,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("prod", "prod"),
        ("PROD", "prod"),
        ("  Prod  ", "prod"),
        ("eu-west-1", "eu_west_1"),
        ("check out api", "check_out_api"),
        ("tab\tand\nline", "tab_and_line"),
        ("two  spaces", "two__spaces"),
        ("a|b", "a_b"),
        ("", "-"),
        ("   ", "-"),
        ("-", "_"),
        ("Übergröße", "übergröße"),
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("a/b", "a/b"),
    ],
)
def test_one_part_of_a_key_is_normalised_like_this(part: str, expected: str) -> None:
    assert normalise(part) == expected


@given(ANY_TEXT)
def test_a_normalised_part_stays_as_it_is_and_never_poses_as_two(part: str) -> None:
    once = normalise(part)
    assert once
    assert "|" not in once
    assert not re.search(r"\s", once)
    if once != "-":
        assert normalise(once) == once


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("prod", "web", "cpu", "high"), "prod|web|cpu|high"),
        (("Prod ", "Check-Out API", "CPU", "high"), "prod|check_out_api|cpu|high"),
        (("", "web", "", "medium"), "-|web|-|medium"),
        (("a|b", "c", "d", "low"), "a_b|c|d|low"),
    ],
)
def test_an_incident_key_is_made_of_four_normalised_parts(
    parts: tuple[str, str, str, str], expected: str
) -> None:
    assert incident_key_of(*parts) == expected


@pytest.mark.parametrize(
    ("incident_key", "sop_id"),
    [
        ("prod|web|cpu|high", "sop_e3389dc114b9"),
        ("sdn5_cpu_high", "sop_e0397b31b8d1"),
        ("", "sop_da39a3ee5e6b"),
        ("größe", "sop_93c6a3acf1b4"),
    ],
)
def test_a_sop_id_is_the_start_of_the_keys_sha1(incident_key: str, sop_id: str) -> None:
    assert sop_id_of(incident_key) == sop_id


@given(ANY_TEXT)
def test_any_key_gives_an_acceptable_sop_id(incident_key: str) -> None:
    assert is_sop_id(sop_id_of(incident_key))


@pytest.mark.parametrize("text", ["a", "sop_e3389dc114b9", "web-cpu", "0", "_", "x" * 64])
def test_these_sop_ids_are_accepted_from_outside(text: str) -> None:
    assert is_sop_id(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 65, "Web", "a b", "a\n", "../x", "sop|x", "ö", "a.b", "<!channel>", "a\x00"]
)
def test_these_sop_ids_are_not(text: str) -> None:
    assert not is_sop_id(text)


# Tracking ids


def test_a_tracking_id_holds_the_time_in_utc_and_eight_hex_digits() -> None:
    result = datetime(2026, 11, 21, 5, 4, 12, tzinfo=timezone(timedelta(hours=2)))
    made = new_tracking_id(result)
    assert re.fullmatch(r"req-20261121-030412-[0-9a-f]{8}", made)
    assert is_tracking_id(made)
    assert new_tracking_id(result) != made


@pytest.mark.parametrize(
    "text", ["req-20261121-030412-9f2c1ab0", "trace:1.2_3-4", "abcd", "a" * 80]
)
def test_a_senders_tracking_id_of_this_form_is_kept(text: str) -> None:
    assert is_tracking_id(text)


@pytest.mark.parametrize("text", ["", "abc", "a" * 81, "-abc", "a b c", "<@U1>", "abcd\n", "übcd"])
def test_a_senders_tracking_id_of_another_form_is_not(text: str) -> None:
    assert not is_tracking_id(text)


# Fingerprints

WORDS = st.text("abcdefghij =/%()", max_size=20)
NUMBERS = st.integers(0, 10**9).map(str) | st.decimals(
    0, 10**6, places=2, allow_nan=False, allow_infinity=False
).map(str)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).flatmap(  # noqa: DTZ001 - any
    lambda time: st.sampled_from(
        [
            time.isoformat(timespec="seconds") + "Z",
            time.isoformat(sep=" ", timespec="milliseconds"),
            time.isoformat(timespec="seconds") + "+02:00",
            f"{time:%Y.%m.%d %H:%M:%S}",
            f"{time:%Y/%m/%d}",
            f"{time:%H:%M:%S}",
            f"{time:%H:%M}",
        ]
    )
)


def filled(shape: list[str | None], values: list[str]) -> str:
    """The shape's words with a value where it has None."""
    left = iter(values)
    return "".join(f" {next(left)} " if part is None else part for part in shape)


@pytest.mark.parametrize("values", [NUMBERS, TIMES], ids=["numbers", "times"])
@given(data=st.data(), shape=st.lists(WORDS | st.none(), max_size=6))
def test_a_fingerprint_stays_while_numbers_and_times_change(
    data: st.DataObject, values: st.SearchStrategy[str], shape: list[str | None]
) -> None:
    gaps = shape.count(None)
    first = data.draw(st.lists(values, min_size=gaps, max_size=gaps))
    second = data.draw(st.lists(values, min_size=gaps, max_size=gaps))
    assert fingerprint_of("zabbix", {}, filled(shape, first)) == fingerprint_of(
        "zabbix", {}, filled(shape, second)
    )


@given(
    st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=4),
    st.lists(ANY_TEXT, max_size=3),
    st.randoms(use_true_random=False),
)
def test_a_fingerprint_does_not_know_the_order_of_labels(labels, texts, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(labels.items())
    random.shuffle(shuffled)
    fingerprint = fingerprint_of("s", labels, *texts)
    assert fingerprint == fingerprint_of("s", dict(shuffled), *texts)
    assert re.fullmatch(r"[0-9a-f]{16}", fingerprint)


@given(
    st.dictionaries(st.text("ab", max_size=2), st.text("cd12", max_size=3), max_size=3), st.data()
)
def test_another_label_value_is_another_fingerprint(
    labels: dict[str, str], data: st.DataObject
) -> None:
    assume(labels)
    name = data.draw(st.sampled_from(sorted(labels)))
    changed = {**labels, name: labels[name] + "1"}
    assert fingerprint_of("s", labels) != fingerprint_of("s", changed), (
        "labels identify: 1 is not 2"
    )


def test_source_words_and_places_all_count() -> None:
    prints = {
        fingerprint_of("zabbix", {}, "disk full"),
        fingerprint_of("sentry", {}, "disk full"),
        fingerprint_of("zabbix", {}, "disk empty"),
        fingerprint_of("zabbix", {}, "disk", "full"),
        fingerprint_of("zabbix", {"disk": "full"}),
        fingerprint_of("zabbix", {"disk": ""}, "full"),
    }
    assert len(prints) == 6
