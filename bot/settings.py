"""Every setting, described. Read only by `bot.app` and `bot.__main__`.

Values come from the environment or from a `.env` file; a secret may come as NAME_FILE, the path of
a file that holds it. A missing, misspelt or wrong name stops the start, and no message ever shows
a value.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.errors import SettingsError


def _names(value: Any) -> Any:
    """`C1, C2` as ("C1", "C2")."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


# `q` stands for Q_BIN. Empty means no command advisor: then the SOP's own rules speak.
DEFAULT_ADVISOR = "q chat --no-interactive --wrap never --agent sopbot-advisor"

SHORTEST_KEY = 16  # bytes

Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
ChannelId = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]


class StoreSettings(BaseModel):
    """What the store's own commands need. Field names are the variables' names in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store_url: SecretStr = Field(
        SecretStr("sqlite:///sopbot.db"), description="where the bot remembers: a file or a server"
    )
    policy_file: Path = Field(Path("config/policy.yaml"), description="who may approve, and more")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.store_url.get_secret_value() in ("sqlite://", "sqlite:///:memory:"):
            raise ValueError("STORE_URL: a store in memory ends with its process; name a file")
        return self


class AuditSettings(StoreSettings):
    """What the commands of the audit trail need."""

    audit_key: SecretStr = Field(
        description="HMAC key of the audit trail; `openssl rand -hex 32` makes one"
    )

    @field_validator("audit_key")
    @classmethod
    def _not_to_be_guessed(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value().encode()) < SHORTEST_KEY:
            raise ValueError(f"shorter than {SHORTEST_KEY} bytes")
        return key


class Settings(AuditSettings):
    """All settings."""

    slack_bot_token: SecretStr = Field(description="the app's bot token, xoxb-…")
    slack_app_token: SecretStr = Field(description="the app-level token for Socket Mode, xapp-…")
    slack_api_url: Url = Field(
        "https://slack.com/api/", description="any Slack-compatible server; Socket Mode follows"
    )
    slack_alert_channels: Annotated[
        tuple[ChannelId, ...], BeforeValidator(_names), Field(min_length=1)
    ] = Field(description="channel ids (C…), comma separated; messages by apps there are alerts")
    slack_ops_channel: str = Field(
        "",
        pattern=r"^([CG][A-Z0-9]+)?$",
        description="channel id: where the bot speaks of itself; empty is the first alert channel",
    )
    slack_alert_sources: Names = Field(
        (), description="bot or app ids that may post alerts; empty is every app there"
    )
    slack_sockets: int = Field(
        2, ge=1, le=10, description="Socket Mode links of one bot; Slack allows an app ten in all"
    )
    ai_command_gateway_url: Url = Field(description="the gateway that does the work, http(s)")
    ai_command_gateway_timeout: float = Field(
        gt=0, description="seconds to wait for the gateway's answer; 75 or more is advised"
    )
    ai_command_gateway_source_id: str = Field(
        min_length=1, description="the name by which the gateway knows this bot"
    )
    ai_command_gateway_secret: SecretStr = Field(
        SecretStr(""), description="HMAC-SHA256 key for requests; empty is unsigned, and warned"
    )
    advisor_command: str = Field(
        DEFAULT_ADVISOR, description="the advisor's argv: shell-quoted words or a JSON list"
    )
    q_bin: str = Field("q", description="the Q CLI, where ADVISOR_COMMAND is unset")
    qchat_timeout: float = Field(120, gt=0, description="seconds an answer may take in all")
    qchat_max_retries: int = Field(3, ge=0, le=10, description="tries after the first")
    qchat_retry_delay: float = Field(
        1, ge=0, description="seconds before the first retry; doubles, with jitter, up to 60"
    )
    qchat_max_concurrent: int = Field(2, ge=1, le=16, description="questions at the same time")
    qchat_max_output_size: int = Field(1_048_576, ge=1024, description="bytes of an answer")
    store_lease_seconds: float = Field(
        10, ge=2, le=300, description="how soon replicas take over what a dead one left"
    )
    http_addr: str = Field(
        "127.0.0.1:8080",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}$",
        description="host:port of the bot's own HTTP door; port 0 is a free one",
    )
    http_token: SecretStr = Field(
        SecretStr(""), description="bearer token; required unless HTTP_ADDR is loopback"
    )
    sop_dir: Path = Field(Path("config/sops"), description="folder of SOP files, *.jsonl")
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING, ERROR"
    )
    log_format: str = Field(
        "auto", pattern="^(auto|pretty|json)$", description="auto: pretty on a terminal, else JSON"
    )

    @model_validator(mode="after")
    def _closed_by_default(self) -> Settings:
        if not self.http_token.get_secret_value() and not is_loopback(self.http_host):
            raise ValueError("HTTP_TOKEN: required, because HTTP_ADDR is not a loopback address")
        return self

    @property
    def http_host(self) -> str:
        """The host part of HTTP_ADDR."""
        return self.http_addr.rpartition(":")[0].strip("[]")

    @property
    def http_port(self) -> int:
        """The port part of HTTP_ADDR."""
        return int(self.http_addr.rpartition(":")[2])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


S = TypeVar("S", bound=StoreSettings)
NAMES = tuple(name.upper() for name in Settings.model_fields)
_SECRETS = tuple(
    name.upper() for name, field in Settings.model_fields.items() if field.annotation is SecretStr
)
_OURS = ("AUDIT_", "SLACK_", "AI_COMMAND_GATEWAY_", "QCHAT_", "ADVISOR_", "STORE_")


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the settings; the environment wins over the file.

    SettingsError has one line a problem; no line shows a value.
    """
    return _load(Settings, environ, env_file)


def load_store(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> StoreSettings:
    """Read those of the store alone, by the same rules; what else is missing is not asked."""
    return _load(StoreSettings, environ, env_file)


def load_audit(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> AuditSettings:
    """Read those of the store and the audit trail, by the same rules."""
    return _load(AuditSettings, environ, env_file)


def _load(kind: type[S], environ: Mapping[str, str] | None, env_file: Path | None) -> S:
    environment = os.environ if environ is None else environ
    file = Path(".env") if env_file is None else env_file
    written = {k.upper(): v or "" for k, v in dotenv_values(file).items()} if file.is_file() else {}
    given = {name.upper(): value for name, value in environment.items()}
    problems = [
        *(_unknown(name, file.name) for name in written if _base(name) not in NAMES),
        *(_unknown(name, "the environment") for name in given if _is_misspelt(name)),
    ]
    values: dict[str, str] = {}
    for field in kind.model_fields:
        value = _value(field.upper(), {**written, **given}, problems)
        if value is not None:
            values[field] = value
    try:
        settings = kind.model_validate(values)
    except ValidationError as error:
        problems += [_problem(found) for found in error.errors(include_url=False)]
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return settings


def forget_secrets() -> None:
    """Take the secrets out of this process's environment: no child and no library needs them."""
    for name in list(os.environ):
        if name.upper() in _SECRETS:
            del os.environ[name]


def _value(name: str, given: Mapping[str, str], problems: list[str]) -> str | None:
    path = given.get(f"{name}_FILE")
    if name in _SECRETS and path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            problems.append(f"{name}_FILE: the file cannot be read")
            return None
    return given.get(name)


def _base(name: str) -> str:
    base = name.removesuffix("_FILE")
    return base if base in _SECRETS else name


def _is_misspelt(name: str) -> bool:
    if _base(name) in NAMES:
        return False
    return name.startswith(_OURS) or bool(difflib.get_close_matches(name, NAMES, 1, 0.9))


def _unknown(name: str, where: str) -> str:
    close = difflib.get_close_matches(name, NAMES, 1, 0.6)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{name}: not a setting of sopbot (in {where}){hint}"


def _problem(found: Any) -> str:
    name = "_".join(str(part) for part in found["loc"][:1]).upper()
    if found["type"] == "missing":
        return f"{name}: missing; {Settings.model_fields[name.lower()].description}"
    message = str(found["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    return f"{name}: {message}; {Settings.model_fields[name.lower()].description}"
