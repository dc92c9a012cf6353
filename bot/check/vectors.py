"""Checks the server that embeds runbooks, where RUNBOOK_EMBED_MODEL is set."""

from __future__ import annotations

import asyncio

from bot.check.report import Report
from bot.errors import SettingsError
from bot.from_settings import vector_store_of
from bot.retrieval.ollama import OllamaEmbedder, VectorsUnavailable
from bot.settings import Settings

_SECONDS = 20.0  # a model that is not in memory is loaded first


async def check_vectors(report: Report, settings: Settings) -> None:
    """Embed one word, and ask the Qdrant; nothing is stored."""
    model = settings.runbook_embed_model
    if not model:
        return
    embedder = OllamaEmbedder(settings.runbook_embed_url, model)
    try:
        open_store = vector_store_of(settings)
        (vector,) = await asyncio.to_thread(lambda: embedder.embed(["runbook"], timeout=_SECONDS))
        await asyncio.to_thread(lambda: open_store().has(model, ("runbook",)))
    except SettingsError as error:
        for problem in error.problems:
            report.problem("vectors", problem)
    except VectorsUnavailable as error:
        why = f"RUNBOOK_EMBED_URL, RUNBOOK_QDRANT_URL: {error.message}"
        report.problem("vectors", why, "start the server; `ollama pull` gets a missing model")
    else:
        report.good("vectors", f"{model}, {len(vector)} dimensions")
