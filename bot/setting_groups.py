"""Settings of one outside system each, with their checks. `bot.settings` joins the groups."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from bot.serving.hosts import is_loopback
from bot.setting_types import NatsName, OptionalUrl, Seconds, Url, check_nats_url


class AlertmanagerGroup(BaseModel):
    """The Alertmanager whose silences the bot shares."""

    alertmanager_url: OptionalUrl = Field(
        "", description="an Alertmanager whose silences are read; empty reads none"
    )
    alertmanager_token: SecretStr = Field(
        SecretStr(""),
        description="bearer token for it; with one, silences of people are written back",
    )


class GatewayGroup(BaseModel):
    """The gateway: its address, the bot's secrets for it, and the certificates for TLS."""

    ai_command_gateway_url: Url = Field(description="the gateway that does the work, http(s)")
    ai_command_gateway_timeout: Seconds = Field(
        gt=0, description="seconds to wait for the gateway's answer; 75 or more is advised"
    )
    ai_command_gateway_source_id: str = Field(
        min_length=1, description="the name by which the gateway knows this bot"
    )
    ai_command_gateway_required: bool = Field(
        True, description="whether the bot refuses to start while the gateway is unreachable"
    )
    ai_command_gateway_secret: SecretStr = Field(
        SecretStr(""), description="HMAC-SHA256 key for requests; empty is unsigned, and warned"
    )
    ai_command_gateway_token: SecretStr = Field(
        SecretStr(""), description="bearer token for a gateway that takes no signatures"
    )
    ai_command_gateway_ca_file: Path | None = Field(
        None, description="certificates of the authorities that sign the gateway's; empty = usual"
    )
    ai_command_gateway_client_cert: Path | None = Field(
        None, description="the bot's own certificate, for a gateway that asks for one (mTLS)"
    )
    ai_command_gateway_client_key: Path | None = Field(
        None, description="the key of AI_COMMAND_GATEWAY_CLIENT_CERT"
    )
    gateways_file: Path = Field(
        Path("config/gateways.yaml"), description="further gateways, each for targets of its own"
    )

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if bool(self.ai_command_gateway_client_cert) != bool(self.ai_command_gateway_client_key):
            raise ValueError(
                "AI_COMMAND_GATEWAY_CLIENT_CERT: needs AI_COMMAND_GATEWAY_CLIENT_KEY, and that it"
            )
        return self

    @model_validator(mode="after")
    def _no_downgrade(self) -> Self:
        certificates = bool(self.ai_command_gateway_ca_file or self.ai_command_gateway_client_cert)
        token = bool(
            self.ai_command_gateway_token.get_secret_value()
            and not self.ai_command_gateway_secret.get_secret_value()
        )
        what = sent_in_clear(self.ai_command_gateway_url, certificates=certificates, token=token)
        if what == "certificates":
            raise ValueError(
                "AI_COMMAND_GATEWAY_URL: is http://, so that the certificates of"
                " AI_COMMAND_GATEWAY_CA_FILE and _CLIENT_CERT would not be used"
            )
        if what:
            raise ValueError(
                "AI_COMMAND_GATEWAY_TOKEN: everybody on the way to an http:// address can read it;"
                " use https://, or AI_COMMAND_GATEWAY_SECRET"
            )
        return self


def sent_in_clear(
    url: str, *, certificates: bool, token: bool
) -> Literal["", "certificates", "token"]:
    """Return what an http:// address would leave unused or show to everybody on the way.

    A bearer token may go to this machine itself.
    """
    address = urlsplit(url)
    if address.scheme == "https":
        return ""
    if certificates:
        return "certificates"
    return "token" if token and not is_loopback(address.hostname or "") else ""


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
