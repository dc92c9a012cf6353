"""Settings of one outside system each, with their checks. `bot.settings` joins the groups."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from bot.setting_types import NatsName, OptionalUrl, Url, check_nats_url


class AlertmanagerGroup(BaseModel):
    """The Alertmanager whose silences the bot shares."""

    alertmanager_url: OptionalUrl = Field(
        "", description="an Alertmanager whose silences are read; empty reads none"
    )
    alertmanager_token: SecretStr = Field(
        SecretStr(""),
        description="bearer token for it; with one, silences of people are written back",
    )


class PagingGroup(BaseModel):
    """The paging services at which the bot acknowledges what a person acknowledged here."""

    pagerduty_url: Url = Field(
        "https://api.pagerduty.com", description="PagerDuty's REST API; the EU has its own"
    )
    pagerduty_token: SecretStr = Field(
        SecretStr(""),
        description="REST API key; with one, acknowledging here acknowledges at PagerDuty",
    )
    pagerduty_from: str = Field(
        "", description="e-mail address of the PagerDuty user in whose name the bot acknowledges"
    )
    opsgenie_url: Url = Field(
        "https://api.opsgenie.com", description="Opsgenie's API; the EU has its own"
    )
    opsgenie_api_key: SecretStr = Field(
        SecretStr(""),
        description="API key; with one, acknowledging here acknowledges at Opsgenie",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.pagerduty_token.get_secret_value() and "@" not in self.pagerduty_from:
            raise ValueError("PAGERDUTY_FROM: required with PAGERDUTY_TOKEN: a user's e-mail")
        return self


class NatsGroup(BaseModel):
    """The NATS servers that the bot reads alerts from and publishes to."""

    nats_url: SecretStr = Field(
        SecretStr(""),
        description="NATS servers, nats:// or tls://, comma separated; empty is without NATS",
    )
    nats_stream: NatsName = Field(
        "SOPBOT", description="the JetStream stream that the bot creates where no stream fits"
    )
    nats_consumer: NatsName = Field(
        "sopbot", description="how the bot's durable consumers begin; bots on one store share it"
    )
    nats_user: str = Field("", description="the user at NATS; empty is without")
    nats_password: SecretStr = Field(SecretStr(""), description="the password of NATS_USER")
    nats_creds: SecretStr = Field(
        SecretStr(""), description="a NATS credentials file; give its path as NATS_CREDS_FILE"
    )

    @field_validator("nats_url")
    @classmethod
    def _nats_servers(cls, url: SecretStr) -> SecretStr:
        return check_nats_url(url)

    @field_validator("nats_creds")
    @classmethod
    def _nats_credentials(cls, credentials: SecretStr) -> SecretStr:
        text = credentials.get_secret_value()
        if text and "-----BEGIN NATS USER JWT-----" not in text:
            raise ValueError("is no NATS credentials file; give its path as NATS_CREDS_FILE")
        return credentials

    @property
    def nats_servers(self) -> tuple[str, ...]:
        """Return the servers of NATS_URL; none when it is empty."""
        servers = self.nats_url.get_secret_value().split(",")
        return tuple(server.strip() for server in servers if server.strip())
