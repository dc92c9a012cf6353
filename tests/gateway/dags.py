"""An Airflow with one broken DAG, and a gateway that acts on it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bot.remediation.client import ActionCall
from tests.helpers.airflow_stand_in import DAG, PASSWORD, USER, airflow_stand_in

CONF = {
    "region": {"type": "choice", "choices": ["eu", "us"], "default": "eu"},
    "days": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
    "day": {"pattern": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "default": "2026-01-01"},
}


@pytest.fixture(params=[2, 3])
async def airflow(request):
    async with airflow_stand_in(request.param) as made:
        yield made


@pytest.fixture
def airflow_desk(start, tmp_path):
    async def begin(
        url: str, version: int, *, user: str = USER, password: str = PASSWORD, **changes: Any
    ):
        file = tmp_path / f"password-{uuid.uuid4().hex}"
        file.write_text(password)
        target = {
            "executor": "airflow", "version": version, "url": url, "private": True, "dag": DAG,
            "user": user, "password_file": str(file), "conf": CONF, "wait_seconds": 20,
        }  # fmt: skip
        return await start({"it": target | changes}, state=uuid.uuid4().hex)

    return begin


def call(action: str, **parameters: Any) -> ActionCall:
    return ActionCall(action_id=action, target="it", parameters=parameters)
