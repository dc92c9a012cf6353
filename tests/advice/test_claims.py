"""A model cannot know what happened: its sentences about that are marked, all others left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.claims import MARK, marked

pytestmark = pytest.mark.attack("ASI09")


@pytest.mark.parametrize(
    "claim",
    [
        "I restarted checkout-api.",
        "I've restarted the pod",
        "I\u2019ve already rolled back the deployment.",
        "We have now scaled it to 4 replicas!",
        "I am restarting the service now.",
        "The restart has been approved.",
        "Your request has already been submitted",
        "The command was executed on web-3.",
        "The issue is now fixed.",
        "This incident is resolved.",
        "checkout-api has restarted.",
        "Successfully applied the change",
        "Restarted the service, error rate is falling.",
        "Done.",
        "Waiting for approval by @sre.",
        "The action is pending approval.",
        "Approval granted by @ben.",
        "Everything is back to normal.",
        "I **restarted** it.",
        "I re\u200bstarted it.",
        "THE FIX WAS DEPLOYED",
    ],
)
def test_a_models_claim_of_an_action_is_marked(claim: str) -> None:
    assert marked(claim) == MARK + claim


@pytest.mark.parametrize(
    "advice",
    [
        "Restart checkout-api if the heap is over 90 %.",
        "The heap grows by 20 MB a minute, probably a leak.",
        "Look at the last deployment and roll it back when the errors began with it.",
        "Ask an approver to approve the restart.",
        "p95 latency rises since 03:04.",
        "Undetermined",
        "",
    ],
)
def test_advice_is_left_as_it_is(advice: str) -> None:
    assert marked(advice) == advice


def test_only_the_sentence_that_claims_is_marked_and_lines_stay_lines() -> None:
    text = "The pool is full. I restarted it! Look at it.\n- has been approved\n\n  end"
    assert marked(text) == (
        f"The pool is full. {MARK}I restarted it! Look at it.\n{MARK}- has been approved\n\n  end"
    )


@given(st.text(st.characters(codec=None), max_size=300))
def test_nothing_is_lost_or_reordered(text: str) -> None:
    assert marked(text).replace(MARK, "") == text.replace(MARK, "")


@pytest.mark.parametrize(
    "claim",
    [
        "Der Service wurde neu gestartet.",
        "Ich habe den Dienst bereits gestoppt.",
        "Das Problem ist behoben.",
        "Die Aktion wurde von ops freigegeben.",
        "Erfolgreich zurückgerollt.",
        "checkout-api läuft wieder.",
    ],
)
def test_a_claim_in_german_is_marked_too(claim) -> None:
    assert marked(claim).startswith(MARK)


@pytest.mark.parametrize(
    "advice",
    [
        "Den Service neu starten.",
        "Prüfen, ob der Speicher voll ist.",
        "Die Last steigt seit 03:04.",
    ],
)
def test_advice_in_german_without_a_claim_is_not_marked(advice) -> None:
    assert MARK not in marked(advice)
