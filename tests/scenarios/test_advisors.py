"""Several advisors in a running bot: a failure of the first one is said, and everybody is asked."""

from __future__ import annotations

import pytest

from tests.advice.model_servers import ANSWER, KEY, MODEL, ModelServer
from tests.helpers.http_servers import served
from tests.scenarios.http_caller import StartWithHttp
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


async def test_the_second_advisor_answers_in_the_thread_and_by_http_and_readiness_names_the_first(
    start_with_http: StartWithHttp, world: World
) -> None:
    missing, working = ModelServer("login"), ModelServer()
    async with served(missing.ollama) as first, served(working.openai) as second:
        at = await start_with_http(
            ADVISOR="ollama,openai,rules",
            ADVISOR_OLLAMA_URL=first,
            ADVISOR_OLLAMA_MODEL="qwen3",
            ADVISOR_OPENAI_URL=f"{second}/v1",
            ADVISOR_OPENAI_MODEL=MODEL,
            ADVISOR_OPENAI_KEY=KEY,
            QCHAT_MAX_RETRIES="0",
        )
        await world.alert()
        advice = await world.advice("Asked first: Ollama qwen3 needs a login (HTTP 401")
        assert ANSWER in advice.text
        assert MODEL in advice.text
        fields = {"incident_key": "k", "prompt": "why?"}
        status, body = await at.post("/incident", fields)
        assert (status, body["source"]) == (200, MODEL)
        assert ANSWER in body["answer"]
        assert len(missing.questions) == 1, "it is paused after the first question"
        structured, prose = working.questions
        assert "response_format" in structured
        assert "response_format" not in prose
        await at.bot.health.check("advisor")
        _, ready = await at.get("/readyz")
        assert "paused" in str(ready)
        assert f"Meanwhile asked: {MODEL}" in str(ready)
        working.behaviour = "transient"
        status, body = await at.post("/incident", fields | {"prompt": "and now?"})
        assert status == 200
        assert "could not reach its model" in body["answer"]
        assert KEY not in str(ready) + str(body) + advice.text
