"""Settings of the bot's operation: its log file, its traces, how often an address may call it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

from bot.serving.span_export import parse_headers
from bot.setting_types import OptionalUrl


class OperationGroup(BaseModel):
    """The log file, the traces, and the rate of callers."""

    http_requests_per_minute: int = Field(
        1200,
        ge=0,
        le=1_000_000,
        description="requests of one address in a minute, alerts of known senders aside; 0 = any",
    )
    log_file: Path | None = Field(
        None, description="a file for the log besides stderr, as JSON; empty = none"
    )
    log_file_max_mb: int = Field(
        50, ge=1, le=10_000, description="MiB after which a new log file begins"
    )
    log_file_keep: int = Field(5, ge=0, le=1_000, description="former log files that are kept")
    otel_exporter_otlp_endpoint: OptionalUrl = Field(
        "", description="an OpenTelemetry collector for traces, OTLP over HTTP; empty = no traces"
    )
    otel_exporter_otlp_headers: SecretStr = Field(
        SecretStr(""), description="headers for it, such as a key: name=value, comma separated"
    )

    @field_validator("otel_exporter_otlp_headers")
    @classmethod
    def _are_headers(cls, value: SecretStr) -> SecretStr:
        parse_headers(value.get_secret_value())
        return value
