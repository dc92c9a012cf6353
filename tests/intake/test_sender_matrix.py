"""The life of an alert of each sender: trouble, reminder, higher severity, end, and again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sources_command.commands import Outcome, Payloads, outcome_of, read
from tests.intake import aws_payloads, cloud_payloads, infra_payloads, runner_payloads

FORMS = {
    **aws_payloads.FORMS,
    **cloud_payloads.FORMS,
    **infra_payloads.FORMS,
    **runner_payloads.FORMS,
}
ENDLESS = {**aws_payloads.ENDLESS, **cloud_payloads.ENDLESS, **runner_payloads.ENDLESS}
CASES = [pytest.param(*form, id=name) for name, form in FORMS.items()]
ENDLESS_CASES = [pytest.param(*form, id=name) for name, form in ENDLESS.items()]


def fold(intake: str, source: str, inputs: list[Any]) -> Outcome:
    payloads = Payloads(intake, source, inputs)
    return asyncio.run(outcome_of(payloads, [read(payloads, item) for item in inputs]))


@pytest.mark.parametrize(("intake", "source", "build"), CASES)
def test_a_trouble_with_its_reminders_and_its_end_is_one_closed_incident(
    intake: str, source: str, build: Any
) -> None:
    inputs = [
        build("cart-api", 1, False, False),
        build("cart-api", 2, False, False),
        build("cart-api", 3, True, False),
        build("cart-api", 4, True, True),
    ]
    outcome = fold(intake, source, inputs)
    assert (outcome.incidents, outcome.open_at_end) == (1, 0)
    reopened = fold(intake, source, [*inputs, build("cart-api", 5, False, False)])
    assert reopened.open_at_end == 1


@pytest.mark.parametrize(("intake", "source", "build"), [*CASES, *ENDLESS_CASES])
def test_two_services_in_trouble_at_once_are_two_incidents(
    intake: str, source: str, build: Any
) -> None:
    outcome = fold(
        intake, source, [build("cart-api", 1, False, False), build("billing", 2, False, False)]
    )
    assert (outcome.incidents, outcome.open_at_end) == (2, 2)


@pytest.mark.parametrize(("intake", "source", "build"), CASES)
def test_an_end_without_a_trouble_opens_nothing(intake: str, source: str, build: Any) -> None:
    assert fold(intake, source, [build("cart-api", 1, True, True)]).incidents == 0


@pytest.mark.parametrize(("intake", "source", "build"), ENDLESS_CASES)
def test_what_has_no_end_is_one_open_incident_however_often_it_happens(
    intake: str, source: str, build: Any
) -> None:
    inputs = [build("cart-api", number, number > 2, False) for number in (1, 2, 3)]
    outcome = fold(intake, source, inputs)
    assert (outcome.incidents, outcome.open_at_end) == (1, 1)
