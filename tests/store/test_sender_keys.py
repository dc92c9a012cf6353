"""The keys of one alert are worked out once, however many steps go by them."""

from __future__ import annotations

from store.operations import senders
from tests.helpers.builders import alert, identify


def test_each_step_gets_the_same_keys_of_one_alert() -> None:
    item = identify(alert())
    assert senders.keys(item) is senders.keys(item)


def test_the_keys_are_in_the_form_of_the_rows_in_which_the_alert_fires() -> None:
    item = identify(alert())
    assert senders.keys(item)[-1] == senders.key(item.alert, "")
