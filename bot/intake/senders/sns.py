"""Amazon SNS: the confirmation of a subscription, and what the check of a signature says.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.incidents.model import Alert, AlertStatus, Hyperlink
from bot.intake.cleaning import http_url
from bot.intake.drafting import Draft
from bot.intake.fields import optional_text

# The hosts of SNS in its regions (a pattern). Anybody can get another host below amazonaws.com.
SNS_HOST = r"sns\.[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?"
_SNS = re.compile(rf"https://{SNS_HOST}/\S{{0,2000}}")
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class Signature(StrEnum):
    """Result of the check of an SNS signature."""

    VERIFIED = "verified"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """The result of a check, and the reason why the signature is not verified.

    The signature covers `account` (AWS) and `message_id`; both are empty unless it is verified.
    """

    signature: Signature
    why: str = ""
    account: str = ""
    message_id: str = ""

    @property
    def sender(self) -> str:
        """Return the sender of the message, for `Delivery.sender`.

        The account is part of it, because anybody with an account can have SNS sign a message.
        """
        return f"http:cloudwatch-{self.account or 'unverified'}"


def with_signature(
    alerts: Sequence[Alert], body: Mapping[str, Any], check: SignatureCheck
) -> list[Alert]:
    """Return the alerts of this body, each with the result of the signature check in its text.

    Only a verified message gets the button that confirms a subscription.
    """
    return [_with_signature(alert, body, check) for alert in alerts]


def _with_signature(alert: Alert, body: Mapping[str, Any], check: SignatureCheck) -> Alert:
    mark = {"sns_signature": str(check.signature)}
    alert = replace(alert, labels=mark | {**alert.labels, **mark})
    if check.signature is not Signature.VERIFIED:
        return replace(alert, text=f"SNS signature not verified: {check.why}.\n{alert.text}")
    if body.get("Type") not in CONFIRMATIONS:
        return alert
    url = http_url(optional_text(body.get("SubscribeURL"), "SubscribeURL"))
    if _SNS.fullmatch(url) is None:
        return alert
    return replace(alert, links=(Hyperlink("Confirm the subscription", url), *alert.links))


def confirmation(whole: Mapping[str, Any], kind: str) -> Alert:
    """Return an alert that asks a person to confirm a subscription."""
    topic = optional_text(whole.get("TopicArn"), "TopicArn")
    return Draft(
        source="cloudwatch",
        status=AlertStatus.FIRING,
        name=f"SNS {kind}",
        title=f"Amazon SNS waits for a confirmation: {topic}",
        # A signature proves that SNS sent this, not that the topic is ours.
        text="Confirm only a subscription that you made, of a topic that you know."
        f"\n{optional_text(whole.get('Message'), 'Message')}",
        service=topic.rsplit(":", 1)[-1],
        severity="low",
        identity={"topic": topic, "kind": kind},
        raw=whole,
    ).alert()
