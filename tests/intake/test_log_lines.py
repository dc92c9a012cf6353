"""Lines of a log: a pattern that no line makes slow, and one alert for all lines of a kind."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.incidents.model import Alert, Severity
from bot.intake.log_lines import KINDS_LIMIT, LINE_LIMIT, Poller, alerts_of, compile_pattern
from bot.policy import parse_policy


def poller(pattern: str = "ERROR {service}: {title*}", **values: str) -> Poller:
    fields = {"name": "shop-errors", "file": "/var/log/shop.log", "pattern": pattern}
    return Poller.model_validate(fields | values)


def read(*lines: str, pattern: str = "ERROR {service}: {title*}", **values: str) -> list[Alert]:
    return alerts_of(poller(pattern, **values), [line.encode() for line in lines])


@pytest.mark.parametrize(
    ("pattern", "line", "fields"),
    [
        ("ERROR {service}: {title*}", "03:04 ERROR cart: no stock", ("cart", "no stock")),
        ("ERROR", "03:04 ERROR it broke", ("", "03:04 ERROR it broke")),
        ("{service} * failed", "cart 12 orders failed", ("cart", "cart 12 orders failed")),
        ("[{service}] *panic: {title*}", "[api] x panic: nil", ("api", "nil")),
        (r"\{{service}\} down", "{api} down", ("api", "{api} down")),
        ("level=error svc={service}", "level=error svc=api", ("api", "level=error svc=api")),
        ("a.b {service}", "a.b api", ("api", "a.b api")),
        ("* gave up: {title*}", "the worker gave up: out of memory", ("", "out of memory")),
    ],
)
def test_a_pattern_reads_its_fields(pattern: str, line: str, fields: tuple[str, str]) -> None:
    (alert,) = read(line, pattern=pattern)
    assert (alert.service, alert.title) == fields


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("ERROR {service}: {title*}", "WARN cart: no stock"),
        ("ERROR {service}: {title*}", "ERROR the cart: no stock"),
        ("a.b", "axb"),
        ("fatal {service}", "fatal "),
    ],
)
def test_a_line_that_does_not_match_is_no_alert(pattern: str, line: str) -> None:
    assert read(line, pattern=pattern) == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{a}{b}", "between two fields"),
        ("{a}*", "between two fields"),
        ("*", "must have some text"),
        ("{title*}", "must have some text"),
        ("x {a} y {a}", "{a} stands twice"),
        ("x {Service}", "a field is written {name}"),
        ("x }", "a field is written {name}"),
        ("x \\", "a field is written {name}"),
    ],
)
def test_a_pattern_with_a_mistake_is_named_by_file_and_line(pattern: str, problem: str) -> None:
    text = f"detect:\n  pollers:\n  - name: x\n    file: /x\n    pattern: '{pattern}'\n"
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="policy.yaml")
    assert caught.value.message.startswith("policy.yaml:5: detect.pollers.0.pattern: ")
    assert problem in caught.value.message


def test_two_pollers_of_one_name_are_an_error() -> None:
    item = "{name: x, file: /x, pattern: x}"
    with pytest.raises(InputError, match="two are called x"):
        parse_policy(f"detect: {{pollers: [{item}, {item}]}}", file="policy.yaml")


def test_a_field_of_the_line_overrides_the_pollers_own_value_and_others_are_labels() -> None:
    (alert,) = read(
        "ERROR [critical] cart on db-7",
        pattern="ERROR [{severity}] {service} on {host}",
        service="shop",
        env="prod",
        severity="low",
    )
    assert (alert.service, alert.env, alert.severity) == ("cart", "prod", Severity.CRITICAL)
    assert alert.labels == {"host": "db-7", "poller": "shop-errors"}
    assert (alert.source, alert.name) == ("log", "shop-errors")


def test_lines_that_differ_in_numbers_only_are_one_alert_with_their_count() -> None:
    alerts = read(*[f"ERROR cart: order {n} lost after {n * 3} ms" for n in range(1_000)])
    (alert,) = alerts
    assert "order 0 lost" in alert.title
    assert "1,000 such lines" in alert.text
    later = read("ERROR cart: order 77 lost after 5 ms")
    assert later[0].fingerprint == alert.fingerprint


@pytest.mark.attack("ASI08")
def test_a_flood_of_different_lines_is_a_bounded_number_of_alerts_and_the_rest_is_counted() -> None:
    services = [f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyz"]
    alerts = read(*[f"ERROR cart: {word}" for word in services])
    assert len(alerts) == KINDS_LIMIT + 1
    assert f"{len(services) - KINDS_LIMIT:,} more lines" in alerts[-1].title


@pytest.mark.attack("ASI08")
def test_a_hostile_line_takes_a_time_in_proportion_to_its_length() -> None:
    pattern = compile_pattern("a{x}b*c{y}d*e{z*}f")

    def seconds(size: int) -> float:
        lines = ["ab" * size, "a" * size, "abc" * size, "a b c " * size, "abcde" * size]
        began = time.thread_time()
        for _ in range(20):
            for line in lines:
                pattern.match(line)
        return time.thread_time() - began

    ratios = sorted(seconds(8 * LINE_LIMIT) / seconds(LINE_LIMIT) for _ in range(5))
    assert ratios[0] < 24, "eight times the line: 64 times the time would be quadratic"


def test_a_line_is_cut_and_bytes_that_are_not_utf_8_are_replaced() -> None:
    long = b"ERROR cart: " + b"\xff\xfe" + b"x" * 100_000
    (alert,) = alerts_of(poller(), [long])
    assert "\ufffd" in alert.title
    assert len(alert.text) <= LINE_LIMIT


@given(st.lists(st.binary(max_size=200), max_size=20), st.text(max_size=30))
def test_no_line_and_no_pattern_raises_anything_else(lines: list[bytes], pattern: str) -> None:
    alerts_of(poller(), [b"ERROR a: " + line for line in lines])
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        return
    for line in lines:
        compiled.match(line.decode("utf-8", "replace"))
