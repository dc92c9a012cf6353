"""Settings of the targets outside of Slack: e-mail, ntfy, PagerDuty's events and a webhook."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from bot.setting_types import Names, OptionalUrl, Url


class OutsideGroup(BaseModel):
    """The targets of notices while Slack is unreachable (`notify.outside` of the policy)."""

    smtp_host: str = Field("", description="mail server for notices; empty sends no e-mail")
    smtp_port: int = Field(587, ge=1, le=65_535, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls from the first byte, or none"
    )
    smtp_user: str = Field("", description="the user at the mail server; empty logs in as nobody")
    smtp_password: SecretStr = Field(SecretStr(""), description="the password of SMTP_USER")
    smtp_ca_file: Path | None = Field(
        None, description="certificates that vouch for the mail server, instead of the machine's"
    )
    smtp_from: str = Field("", description="e-mail address of the sender of notices")
    smtp_to: Names = Field((), description="e-mail addresses that get notices, comma separated")
    ntfy_url: SecretStr = Field(
        SecretStr(""), description="an ntfy topic, https://ntfy.sh/TOPIC; empty sends nothing there"
    )
    ntfy_token: SecretStr = Field(SecretStr(""), description="access token for the topic")
    pagerduty_routing_key: SecretStr = Field(
        SecretStr(""),
        description="integration key of PagerDuty's Events API v2; empty sends nothing",
    )
    pagerduty_events_url: Url = Field(
        "https://events.pagerduty.com", description="PagerDuty's Events API; the EU has its own"
    )
    outside_webhook_url: OptionalUrl = Field(
        "", description="address that gets notices as JSON; empty sends nothing there"
    )
    outside_webhook_token: SecretStr = Field(SecretStr(""), description="bearer token for it")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.smtp_host:
            return self
        if "@" not in self.smtp_from or not self.smtp_to:
            raise ValueError("SMTP_FROM, SMTP_TO: required with SMTP_HOST: e-mail addresses")
        if any("@" not in address for address in self.smtp_to):
            raise ValueError("SMTP_TO: must be e-mail addresses, comma separated")
        if self.smtp_password.get_secret_value() and self.smtp_tls == "none":
            raise ValueError("SMTP_TLS: none would send SMTP_PASSWORD readable to everybody")
        return self
