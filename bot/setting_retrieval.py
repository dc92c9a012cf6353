"""Settings of the vectors by which runbooks are ranked, beside their words."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from bot.setting_types import OptionalUrl, Url


class RetrievalGroup(BaseModel):
    """The server that embeds, and the one that keeps the vectors."""

    runbook_embed_model: str = Field(
        "", description="model of an Ollama that embeds runbooks and alerts; empty = none"
    )
    runbook_embed_url: Url = Field(
        "http://127.0.0.1:11434", description="the Ollama server of RUNBOOK_EMBED_MODEL"
    )
    runbook_qdrant_url: OptionalUrl = Field(
        "", description="a Qdrant that keeps these vectors; empty = this process keeps them"
    )

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if self.runbook_qdrant_url and not self.runbook_embed_model:
            raise ValueError("RUNBOOK_EMBED_MODEL: required, because RUNBOOK_QDRANT_URL is set")
        return self
