"""Advice, questions and doubts are no statements; a statement of fact is one in any form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.sentences import is_statement, sentences

NO_STATEMENTS = """
Run `kubectl get pods`.
Run kubectl get pods -n shop and compare the restarts.
Check that the pods are scheduled.
Check whether the deploy was rolled back.
1. Verify that the certificate has been renewed.
- Look at the last deploy.
* **Compare** with a healthy instance.
Step 2: restart the service.
If the heap is over 90 %, restart checkout-api.
When the queue is empty, scale it down again.
To confirm this, compare the heap of two instances.
Please roll back the release of 10:00.
Then check the logs of the ingress.
First, look at the graph of the error rate.
Do not restart the database.
Don't delete the volume before a snapshot.
Never restart both replicas at once.
Let's look at the node first.
You should drain the node before a reboot.
We need to look at the certificate.
Consider raising the memory limit.
I recommend raising the limit to 1 GiB.
The limit should be raised to 1 GiB.
The pod must be restarted by hand.
It is worth checking the DNS of the node.
Make sure that the backup is complete.
Temporarily raise the pool size.
Otherwise, ask the owner of the service.
Is the disk of the node full?
Which deploy came before the first alert?
Undetermined.
Undetermined: more data is needed.
The root cause is unclear.
It is not clear why the pods restart.
The data does not show the cause.
There is not enough evidence to name a cause.
Next steps for the team:
Yes.
In short:
"""
STATEMENTS = """
The pods were OOM killed at 03:04.
Memory grows by 4 MB a minute.
checkout-api leaks memory since the release of 10:00.
The disk of node w-3 is full.
1. The disk is full on /var.
- **The database** refuses connections.
A deploy came 4 minutes before the alert.
Errors began with release 4.2.
p95 latency rises since 03:04.
The data shows that the pool is exhausted.
Because the limit is 500 MB, the kernel kills it.
The restarts began after the deploy, and the heap grows.
An unknown process fills /var.
Der Speicher ist voll.
"""


@pytest.mark.parametrize("sentence", NO_STATEMENTS.strip().splitlines())
def test_advice_questions_headings_and_doubts_state_nothing(sentence: str) -> None:
    assert not is_statement(sentence)


@pytest.mark.parametrize("sentence", STATEMENTS.strip().splitlines())
def test_a_statement_of_fact_is_one(sentence: str) -> None:
    assert is_statement(sentence)


def test_the_beginning_of_a_step_states_nothing_whatever_its_form() -> None:
    assert not is_statement("Rollback of release 4.2 on the canary", in_step=True)


def test_a_citation_belongs_to_the_sentence_before_it() -> None:
    text = "The pods were killed. [E2] [E3, E4]. Restart 3.5 of them, e.g. web-1.\nThen look."
    assert list(sentences(text)) == [
        "The pods were killed. [E2] [E3, E4]. ",
        "Restart 3.5 of them, e.g. web-1.",
        "\n",
        "Then look.",
    ]


@given(st.text(max_size=300))
def test_the_pieces_join_to_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text
