"""Settings of the advisors: which are asked, in which order, and how each is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from bot.setting_types import Names, OptionalUrl, Seconds, Url

# `q` means Q_BIN. Empty means no command advisor: then the SOP's own rules give the advice.
DEFAULT_COMMAND = "q chat --no-interactive --wrap never --agent sopbot-advisor"
# The default where `q` is missing and Kiro is there. --v2: the harness with agents in JSON.
KIRO_COMMAND = "kiro-cli chat --v2 --no-interactive --wrap never --agent sopbot-advisor"
DEFAULT_ACP_COMMAND = "kiro-cli acp --agent sopbot-advisor"
COMMAND, ACP, OLLAMA, OPENAI, RULES = "command", "acp", "ollama", "openai", "rules"
KINDS = (COMMAND, ACP, OLLAMA, OPENAI, RULES)


class AdvisorGroup(BaseModel):
    """The advisors."""

    advisor: Names = Field(
        (COMMAND,),
        description="the advisors in the order in which they are asked, comma separated",
    )
    advisor_command: str = Field(
        DEFAULT_COMMAND, description="the advisor's argv: shell-quoted words or a JSON list"
    )
    advisor_acp_command: str = Field(
        DEFAULT_ACP_COMMAND,
        description="argv of an agent that speaks the Agent Client Protocol, for `acp`",
    )
    advisor_allow_unknown_flags: bool = Field(
        False, description="run an advisor command whose flags are not known to be safe"
    )
    q_bin: str = Field(
        "q", description="the program that a leading `q` in ADVISOR_COMMAND stands for"
    )
    advisor_ollama_url: Url = Field(
        "http://127.0.0.1:11434", description="the Ollama server of the advisor `ollama`"
    )
    advisor_ollama_model: str = Field("", description="its model, as `ollama list` names it")
    advisor_openai_url: OptionalUrl = Field(
        "", description="a server with OpenAI's API for the advisor `openai`, up to /v1"
    )
    advisor_openai_model: str = Field("", description="its model")
    advisor_openai_key: SecretStr = Field(SecretStr(""), description="bearer token for it")
    advisor_ca_file: Path | None = Field(
        None, description="certificates that vouch for these servers, instead of the machine's"
    )
    qchat_timeout: Seconds = Field(120, gt=0, description="seconds an answer may take in all")
    qchat_max_retries: int = Field(3, ge=0, le=10, description="tries after the first")
    qchat_retry_delay: Seconds = Field(
        1, ge=0, description="seconds before the first retry; doubles, with jitter, up to 60"
    )
    qchat_max_concurrent: int = Field(2, ge=1, le=64, description="questions at the same time")
    qchat_max_output_size: int = Field(1_048_576, ge=1024, description="bytes of an answer")
    qchat_max_memory_mb: int | None = Field(
        None, ge=16, description="megabytes that each of the advisor's processes may allocate"
    )

    @field_validator("advisor")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or any(kind_of(name) not in KINDS for name in names):
            raise ValueError(f"must be names out of {', '.join(KINDS)}, comma separated")
        for name in names:
            seconds_of(name)
        kinds = [kind_of(name) for name in names]
        if len(set(kinds)) < len(kinds):
            raise ValueError("names an advisor twice")
        if RULES in kinds[:-1] or (RULES in kinds and RULES not in names):
            raise ValueError("rules always answer: they stand last, without seconds")
        return names

    @field_validator("advisor_ollama_url", "advisor_openai_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be http(s)://host[:port][/path], without user, query and #")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        kinds = {kind_of(name) for name in self.advisor}
        if OLLAMA in kinds and not self.advisor_ollama_model:
            raise ValueError("ADVISOR_OLLAMA_MODEL: required, because ADVISOR names ollama")
        if OPENAI in kinds and not (self.advisor_openai_url and self.advisor_openai_model):
            needed = "ADVISOR_OPENAI_URL, ADVISOR_OPENAI_MODEL"
            raise ValueError(f"{needed}: required, because ADVISOR names openai")
        return self


def kind_of(name: str) -> str:
    """Return the kind in an entry of ADVISOR: `ollama` of `ollama:30`."""
    return name.partition(":")[0].strip()


def seconds_of(name: str) -> float | None:
    """Return the seconds in an entry of ADVISOR, 30 of `ollama:30`; None without."""
    _, colon, text = name.partition(":")
    if not colon:
        return None
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= 86_400):
        raise ValueError("seconds behind a colon must be a whole number, as in command:80,rules")
    return float(text)
