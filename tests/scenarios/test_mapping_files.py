"""A mapping file decides how a body is read, and a reload replaces it, or refuses a bad one."""

from __future__ import annotations

import aiohttp
import pytest

from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine

MAPPING = """
match: {source: cranes}
fields: {name: NAME, service: crane}
"""


async def test_a_body_is_read_by_the_mapping_that_is_in_force(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    file = world.folder / "sources" / "cranes.yaml"
    file.write_text(MAPPING.replace("NAME", "fault"))
    running = await bot()

    async def post(crane: str) -> None:
        body = {"fault": "Hoist overload", "alarm": "Rail blocked", "crane": crane}
        async with http.post(f"{running.http_url}/alerts/cranes", json=body) as answer:
            assert answer.status == 202
            assert (await answer.json())["understood"] is True

    await post("crane-1")
    await world.card("Hoist overload", number=1)

    file.write_text(MAPPING.replace("NAME", "alarm"))
    running.reload()
    await post("crane-2")
    await world.card("Rail blocked", number=2)

    file.write_text("match: 7\n")
    running.reload()
    await post("crane-3")
    await world.card("Rail blocked", number=3)
