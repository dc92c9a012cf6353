"""The template of an update takes known values only, and fills each once."""

import pytest
from pydantic import ValidationError

from bot.incidents.stakeholders import Stakeholders, draft_update
from tests.helpers.models import incident


def test_an_unknown_value_or_channel_is_an_error_of_the_policy() -> None:
    with pytest.raises(ValidationError, match="no value is called 'owner'"):
        Stakeholders(channel="C0STATUS", template="{{owner}}")
    with pytest.raises(ValidationError, match="must be the Slack id of a channel"):
        Stakeholders(channel="#status")


@pytest.mark.attack("ASI09")
def test_the_text_of_an_alert_is_not_read_as_a_template() -> None:
    text = draft_update("{{title}} / {{ number }}", incident(title="{{severity}} {{x}} %s {0}"))
    assert text == "{{severity}} {{x}} %s {0} / INC-142"


def test_the_default_template_states_status_severity_and_time() -> None:
    text = draft_update(Stakeholders(channel="C0STATUS").template, incident())
    assert "checkout-api (prod): checkout-api error rate above 5 %" in text
    assert "Status: open, severity critical, since 21 Nov 03:04 UTC." in text
