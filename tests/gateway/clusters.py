"""A cluster with one Deployment, and a gateway that acts on it."""

from __future__ import annotations

import uuid

import pytest

from bot.errors import GatewayRejected
from bot.remediation.client import ActionCall
from tests.helpers.kubernetes_control_plane import TOKEN, control_plane
from tests.helpers.kubernetes_objects import NAMESPACE
from tests.helpers.waiting import until

WEB = {"executor": "kubernetes", "namespace": NAMESPACE, "workload": "web", "rollout_seconds": 20}


@pytest.fixture
async def plane():
    async with control_plane() as made:
        made.workload("deployments", "web")
        await until(lambda: made.settled("web", "app:1", 2))
        yield made


@pytest.fixture
def cluster_desk(start, tmp_path):
    async def begin(plane, target=WEB, *, token: str = TOKEN, **changes):
        file = tmp_path / f"token-{uuid.uuid4().hex}"
        file.write_text(token)
        access = {} if "kubeconfig" in changes else {"server": plane.url, "token_file": str(file)}
        return await start({"it": target | access | changes}, state=uuid.uuid4().hex)

    return begin


def call(action: str, **parameters) -> ActionCall:
    return ActionCall(action_id=action, target="it", parameters=parameters)


async def done(desk, action: ActionCall):
    plan = await desk.client.plan(action)
    return plan, await desk.client.execute(action, key=uuid.uuid4().hex, digest=plan.digest)


async def tried(desk, action: ActionCall):
    try:
        return await desk.client.execute(action, key=uuid.uuid4().hex)
    except (GatewayRejected, ValueError):
        return None
