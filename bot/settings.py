"""Describes every setting. Only the composition root and the command line read them.

Values come from the environment or from a `.env` file; a secret may come as NAME_FILE, the path of
a file that holds it (`bot.setting_sources`). A missing, misspelt or wrong name stops the start, and
no message ever shows a value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.errors import SettingsError
from bot.hardening import forget_variables
from bot.language import ENGLISH
from bot.serving.hosts import is_loopback
from bot.setting_advisors import AdvisorGroup
from bot.setting_backups import BackupGroup
from bot.setting_groups import AlertmanagerGroup, GatewayGroup, NatsGroup, PagingGroup
from bot.setting_operation import OperationGroup
from bot.setting_outside import OutsideGroup
from bot.setting_problems import line_of
from bot.setting_retrieval import RetrievalGroup
from bot.setting_sources import UnreadableFile, lower_case, sources, without_effect
from bot.setting_types import (
    Address,
    ChannelIds,
    Language,
    Names,
    OptionalChannelId,
    OptionalUrl,
    Seconds,
    Url,
    check_token,
)
from bot.validation import field_problems

SHORTEST_KEY = 16  # bytes


class StoreSettings(BaseSettings):
    """The settings of the store's commands. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_file=".env",
        env_file_encoding="utf-8-sig",  # a file saved on Windows may begin with a byte order mark
        dotenv_filtering="only_existing",
    )
    _warnings: tuple[str, ...] = PrivateAttr(())

    store_url: SecretStr = Field(
        SecretStr("sqlite:///sopbot.db"), description="where the bot remembers: a file or a server"
    )
    policy_file: Path = Field(Path("config/policy.yaml"), description="who may approve, and more")
    policy_shadow_file: Path | None = Field(
        None, description="another policy that is compared with it, and never acted upon"
    )
    services_file: Path = Field(
        Path("config/services.yaml"), description="the services, their other names, and their calls"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - NAME_FILE instead
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return our sources (`bot.setting_sources`)."""
        known = (*NAMES, *(f"{name}_FILE" for name in SECRETS))
        return sources(settings_cls, known, init_settings, env_settings, dotenv_settings)

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if isinstance(value, UnreadableFile):
            raise ValueError(f"the file of {value.variable} cannot be read: {value.reason}")
        return value

    def with_warnings(self, lines: Iterable[str]) -> Self:
        """Keep a line for each name that was accepted and has no effect."""
        self._warnings = tuple(lines)
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a line for each name that was accepted and has no effect."""
        return self._warnings

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.store_url.get_secret_value() in ("sqlite://", "sqlite:///:memory:"):
            raise ValueError("STORE_URL: a store in memory ends with its process; name a file")
        return self


class AuditSettings(BackupGroup, StoreSettings):
    """The settings of the commands of the audit trail, and of `store drill`."""

    audit_key: SecretStr = Field(
        description="HMAC key of the audit trail; `openssl rand -hex 32` makes one"
    )

    @field_validator("audit_key")
    @classmethod
    def _not_to_be_guessed(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value().encode()) < SHORTEST_KEY:
            raise ValueError(f"shorter than {SHORTEST_KEY} bytes")
        return key


class Settings(
    AdvisorGroup,
    AlertmanagerGroup,
    GatewayGroup,
    PagingGroup,
    OutsideGroup,
    OperationGroup,
    NatsGroup,
    RetrievalGroup,
    AuditSettings,
):
    """All settings."""

    slack_bot_token: SecretStr = Field(description="the app's bot token, xoxb-…")
    slack_app_token: SecretStr = Field(description="the app-level token for Socket Mode, xapp-…")
    slack_api_url: Url = Field(
        "https://slack.com/api/", description="any Slack-compatible server; Socket Mode follows"
    )
    slack_alert_channels: ChannelIds = Field(
        description="channel ids (C…), comma separated; messages by apps there are alerts"
    )
    slack_ops_channel: OptionalChannelId = Field(
        "",
        description="channel id: where the bot speaks of itself; empty is the first alert channel",
    )
    slack_alert_sources: Names = Field(
        (), description="bot or app ids that may post alerts; empty is every app there"
    )
    slack_sockets: int = Field(
        2,
        ge=1,
        le=10,
        description="Socket Mode connections of a bot; Slack allows an app ten in all",
    )
    health_check_interval: Seconds = Field(
        10, ge=1, le=300, description="seconds between two health checks of all parts"
    )
    store_lease_seconds: Seconds = Field(
        10, ge=2, le=300, description="how soon replicas take over what a dead one left"
    )
    http_addr: Address = Field(
        "127.0.0.1:8080",
        description="host:port of the bot's own HTTP server; port 0 is a free one",
    )
    http_token: SecretStr = Field(
        SecretStr(""), description="bearer token; required unless HTTP_ADDR is loopback"
    )
    http_token_previous: SecretStr = Field(
        SecretStr(""),
        description="another bearer token that is valid too, while callers change to HTTP_TOKEN",
    )
    http_max_connections: int = Field(
        1000, ge=16, le=100_000, description="connections the HTTP server serves at the same time"
    )
    http_max_connections_per_address: int = Field(
        100,
        ge=1,
        le=100_000,
        description="of them from one address; raise it for a proxy on another machine",
    )
    sop_dir: Path = Field(Path("config/sops"), description="folder of SOP files, *.jsonl")
    sources_dir: Path = Field(Path("config/sources"), description="folder of mapping files, *.yaml")
    runbook_dir: Path | None = Field(
        None, description="folder of runbooks, Markdown; empty = none are searched"
    )
    qproxy_conv_root: Path | None = Field(
        None, description="folder of conversations as files, as qproxy has them; empty = none"
    )
    runbook_url: OptionalUrl = Field(
        "", description="where people read RUNBOOK_DIR: a passage's path is put behind it"
    )
    message_language: Language = Field(
        ENGLISH, description="the language of the bot's messages in Slack"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="the least severe level that is logged"
    )
    log_format: Literal["auto", "pretty", "json"] = Field(
        "auto", description="auto: pretty on a terminal, else JSON"
    )

    @field_validator("slack_bot_token", "slack_app_token")
    @classmethod
    def _of_its_kind(cls, token: SecretStr, info: ValidationInfo) -> SecretStr:
        return check_token(token, "xoxb-" if info.field_name == "slack_bot_token" else "xapp-")

    @model_validator(mode="after")
    def _closed_by_default(self) -> Settings:
        previous = self.http_token_previous.get_secret_value()
        if previous and (not self.http_token.get_secret_value() or len(previous) < SHORTEST_KEY):
            raise ValueError(
                f"HTTP_TOKEN_PREVIOUS: needs HTTP_TOKEN beside it, and {SHORTEST_KEY} characters"
            )
        if not self.http_token.get_secret_value() and not is_loopback(self.http_host):
            raise ValueError("HTTP_TOKEN: required, because HTTP_ADDR is not a loopback address")
        if not is_loopback(self.http_host) and (
            len(self.http_token.get_secret_value()) < SHORTEST_KEY
        ):
            raise ValueError(
                f"HTTP_TOKEN: shorter than {SHORTEST_KEY} characters, and HTTP_ADDR is open to the"
                " network; `openssl rand -hex 32` makes one"
            )
        return self

    def secrets(self) -> list[str]:
        """Return the values that no log line may hold."""
        values = [getattr(self, name) for name in type(self).model_fields if name != "store_url"]
        known = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        passwords = [urlsplit(url).password or "" for url in self.nats_servers]
        return [*known, *passwords, urlsplit(self.store_url.get_secret_value()).password or ""]

    @property
    def http_tokens(self) -> tuple[str, ...]:
        """Return the bearer tokens of the bot's HTTP server; '' stands for one that is not set."""
        return self.http_token.get_secret_value(), self.http_token_previous.get_secret_value()

    @property
    def http_host(self) -> str:
        """Return the host part of HTTP_ADDR."""
        return self.http_addr.rpartition(":")[0].strip("[]")

    @property
    def http_port(self) -> int:
        """Return the port part of HTTP_ADDR."""
        return int(self.http_addr.rpartition(":")[2])

    @property
    def ops_channel(self) -> str:
        """Return the channel for the bot's messages about itself."""
        return self.slack_ops_channel or self.slack_alert_channels[0]


S = TypeVar("S", bound=StoreSettings)
NAMES = tuple(name.upper() for name in Settings.model_fields)
SECRETS = tuple(
    name.upper() for name, field in Settings.model_fields.items() if field.annotation is SecretStr
)


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the settings; the environment wins over the file. SettingsError shows no value."""
    return _load(Settings, environ, env_file)


def load_store(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> StoreSettings:
    """Read only the store's settings, by the same rules; other missing settings are ignored."""
    return _load(StoreSettings, environ, env_file)


def load_audit(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> AuditSettings:
    """Read only the settings of the store and the audit trail, by the same rules."""
    return _load(AuditSettings, environ, env_file)


def _load(kind: type[S], environ: Mapping[str, str] | None, env_file: Path | None) -> S:
    environment = os.environ if environ is None else environ
    file = Path(".env") if env_file is None else env_file
    try:
        names = {**lower_case(environment), **DotEnvSettingsSource(kind, env_file=file).env_vars}
        arguments: dict[str, Any] = {"_env_file": file, "environ": environment}
        settings = kind(**arguments)
    except ValidationError as error:
        problems = [
            line_of(problem, environment, file.name, Settings.model_fields)
            for problem in field_problems(error)
        ]
        raise SettingsError(list(dict.fromkeys(problems))) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError([f"{file.name}: cannot be read: {reason}"]) from None
    return settings.with_warnings(without_effect(names, NAMES))


def forget_secrets() -> None:
    """Remove the secrets from this process's environment: no child and no library needs them."""
    forget_variables([name for name in os.environ if name.upper() in SECRETS])
