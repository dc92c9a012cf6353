"""A Spark master, and a gateway that acts on it."""

from __future__ import annotations

import uuid

import pytest

from tests.helpers.spark_standin import SPARK, SparkStandin, spark_standin


@pytest.fixture
async def master():
    async with spark_standin() as standin:
        yield standin


@pytest.fixture
def spark_desk(start):
    async def begin(master: SparkStandin, **changes):
        target = SPARK | {"url": master.url, "rest_url": master.url} | changes
        return await start({"it": target}, state=uuid.uuid4().hex)

    return begin
