"""Workloads and nodes, against a stand-in of the Kubernetes API whose controllers do their work.

No registry that our machines reach has a built API server as a package.
"""

from __future__ import annotations

import socket
import uuid

import pytest

from bot.errors import GatewayRejected
from tests.helpers.kubernetes_objects import NAMESPACE
from tests.helpers.waiting import until

from .clusters import WEB, call, done, tried


@pytest.mark.attack("ASI02")
async def test_a_deployment_is_scaled_within_its_limits_and_set_back(plane, cluster_desk):
    desk = await cluster_desk(plane, min_replicas=0, max_replicas=4)
    plan = await desk.client.plan(call("service.scale", replicas=4))
    assert plan.touches == ("deployment web: 2 of 2 replicas ready, app:1",)
    assert plan.display == f"kubectl scale --namespace={NAMESPACE} deployment/web --replicas=4"
    assert plan.request.path == f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web/scale"
    assert plan.inverse.parameters == {"replicas": 2}
    assert plane.changes == [], "a plan changes nothing"

    outcome = await desk.client.execute(
        call("service.scale", replicas=4), key="k", digest=plan.digest
    )
    assert outcome.stdout == "it scale: 4 of 4 replicas ready, app:1", outcome
    assert len(plane.pods("web")) == 4
    _, repeat = await done(desk, call("service.scale", replicas=4))
    assert (repeat.stdout, len(plane.changes)) == ("it had 4 replicas already", 1)
    for replicas in (0, 2):
        _, undone = await done(desk, call("service.scale", replicas=replicas))
        assert undone.state == "succeeded", undone
        await until(lambda replicas=replicas: plane.settled("web", "app:1", replicas))

    before = len(plane.changes)
    with pytest.raises(GatewayRejected, match="may have 0 to 4 replicas") as above:
        await desk.client.plan(call("service.scale", replicas=5))
    assert above.value.status == 422, "the caller is wrong, not the cluster"
    for hostile in (5, -1, "3", 2.5, True, None, 10**9):
        refused = await tried(desk, call("service.scale", replicas=hostile))
        assert refused is None or refused.nothing_ran, hostile
    assert len(plane.changes) == before
    drifted = await desk.client.plan(call("service.scale", replicas=3))
    plane.get("deployments", "web")["spec"]["replicas"] = 1
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(
            call("service.scale", replicas=3), key="drift", digest=drifted.digest
        )
    assert len(plane.changes) == before


async def test_a_rollout_replaces_every_pod_and_an_undo_brings_the_image_back(plane, cluster_desk):
    desk = await cluster_desk(plane)
    assert (await tried(desk, call("service.rollback"))).nothing_ran, "there is no previous one"
    before = set(plane.pods("web"))
    plan, outcome = await done(desk, call("service.rollout"))
    assert (outcome.state, plan.inverse) == ("succeeded", None), outcome
    assert not before & set(plane.pods("web"))
    assert plane.settled("web", "app:1", 2)

    plane.set_image("deployments", "web", "app:2")
    await until(lambda: plane.settled("web", "app:2", 2))
    plan, outcome = await done(desk, call("service.rollback"))
    assert outcome.stdout == "it rollback: 2 of 2 replicas ready, app:1", outcome
    assert plan.steps[0] == "go back from revision 3 (app:2) to revision 2 (app:1)"
    assert plane.settled("web", "app:1", 2)
    _, outcome = await done(desk, call(plan.inverse.id, **plan.inverse.parameters))
    assert (outcome.state, plane.settled("web", "app:2", 2)) == ("succeeded", True)

    plane.broken_images.add("app:2")
    _, outcome = await done(desk, call("service.rollout"))
    assert outcome.state == "failed", outcome
    assert "has timed out progressing" in outcome.stderr
    assert "ImagePullBackOff" in outcome.stderr
    plane.get("deployments", "web")["spec"]["paused"] = True
    paused = await tried(desk, call("service.rollout"))
    assert (paused.nothing_ran, "paused" in paused.error) == (True, True)


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
async def test_other_workloads_are_rolled_out_and_back_by_their_own_revisions(
    plane, cluster_desk, kind
):
    plane.workload(f"{kind}s", "db")
    await until(lambda: plane.settled("db", "app:1", 2))
    desk = await cluster_desk(plane, WEB | {"workload": "db", "kind": kind})
    before = set(plane.pods("db"))
    _, outcome = await done(desk, call("service.rollout"))
    assert outcome.state == "succeeded", outcome
    assert not before & set(plane.pods("db"))
    plane.set_image(f"{kind}s", "db", "app:2")
    await until(lambda: plane.settled("db", "app:2", 2))
    _, outcome = await done(desk, call("service.rollback"))
    assert (outcome.state, plane.settled("db", "app:1", 2)) == ("succeeded", True), outcome
    scaled = await tried(desk, call("service.scale", replicas=3))
    assert (scaled.state == "succeeded") == (kind == "statefulset"), scaled
    plane.get(f"{kind}s", "db")["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert "OnDelete" in (await tried(desk, call("service.rollout"))).error


@pytest.mark.attack("ASI02", "ASI03")
async def test_one_pod_of_the_workload_is_evicted_and_no_other(plane, cluster_desk):
    plane.workload("deployments", "ledger", replicas=1)
    await until(lambda: plane.settled("ledger", "app:1", 1))
    desk = await cluster_desk(plane)
    names = {p["metadata"]["labels"]["app"]: p["metadata"]["name"] for p in plane.all("pods")}
    before = set(plane.pods("web"))
    for hostile in (names["ledger"], "web", "*", "", "../web", names["web"] + "/log", "a b", None,
                    names["web"].upper(), [names["web"]], "x" * 254):  # fmt: skip
        refused = await tried(desk, call("kubernetes.delete_pod", pod=hostile))
        assert refused is None or refused.nothing_ran, hostile
    plane.budget_is_used = True
    kept = await tried(desk, call("kubernetes.delete_pod", pod=names["web"]))
    assert (kept.nothing_ran, "disruption budget" in kept.error) == (True, True), kept
    assert (plane.changes, set(plane.pods("web"))) == ([], before)
    plane.budget_is_used = False
    _, outcome = await done(desk, call("kubernetes.delete_pod", pod=names["web"]))
    assert outcome.state == "succeeded", outcome
    assert len(before & set(plane.pods("web"))) == 1
    assert plane.settled("web", "app:1", 2)
    repeated = await tried(desk, call("kubernetes.delete_pod", pod=names["web"]))
    assert (repeated.error_code, repeated.nothing_ran) == ("NO_OBJECT", True)
    # A pod whose name is this machine's is the gateway's own.
    template = plane.get("deployments", "web")["spec"]["template"]
    owner = next(rs for rs in plane.all("replicasets") if rs["metadata"]["name"].startswith("web"))
    plane.stopped = True
    plane.create_pod(owner, socket.gethostname(), template)
    ours = await tried(desk, call("service.rollout"))
    assert (ours.error_code, ours.nothing_ran) == ("SELF_TARGET", True)


async def test_a_change_that_somebody_else_makes_at_the_same_moment_is_not_overwritten(
    plane, cluster_desk
):
    desk = await cluster_desk(plane)
    plane.set_image("deployments", "web", "app:2")
    await until(lambda: plane.settled("web", "app:2", 2))
    plane.stopped = True
    plane.just_before_a_change = lambda: plane.set_image("deployments", "web", "app:3")
    for action in ("service.rollout", "service.rollback"):
        outcome = await tried(desk, call(action))
        assert (outcome.error_code, outcome.nothing_ran) == ("PLAN_DRIFT", True), outcome
    template = plane.get("deployments", "web")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "app:3"
    assert "annotations" not in template["metadata"]


async def test_status_logs_and_events_are_read_with_bounds(plane, cluster_desk):
    desk = await cluster_desk(plane)

    async def read(action: str, **parameters) -> str:
        outcome = await desk.client.execute(call(action, **parameters), key=uuid.uuid4().hex)
        assert outcome.state == "succeeded", outcome
        return outcome.stdout

    status = (await read("service.status")).splitlines()
    assert status[0] == "it: 2 of 2 replicas ready, app:1"
    assert status[1].endswith("Running, 1/1 ready, restarts: 0, no node")
    logs = (await read("service.logs", lines=3)).splitlines()
    assert [line.endswith("line 999") for line in logs] == [False, False, False, True] * 2
    plane.padding = "x" * 1_000
    assert (await read("service.logs", lines=500)).endswith("line 999"), "the end of a long log"
    assert await read("kubernetes.events") == "no events"
    pod = plane.all("pods")[0]["metadata"]["name"]
    for name in (pod, "web", "somebody-else"):
        plane.create(
            "events", NAMESPACE, f"{name}.1", involvedObject={"kind": "Pod", "name": name},
            type="Warning", reason="BackOff", message="Back-off\nrestarting", count=7,
        )  # fmt: skip
    events = await read("kubernetes.events")
    assert f"Warning BackOff Pod/{pod}: Back-off restarting (7 times)" in events
    assert ("Pod/web:" in events, "somebody-else" in events) == (True, False)
    plane.broken_images.add("app:1")
    await until(lambda: not plane.pods("web"))
    assert "ImagePullBackOff, 0/1 ready" in await read("service.status")
    assert "waiting to start" in await read("service.logs")
    assert plane.changes == []


async def test_a_node_is_cordoned_and_uncordoned_within_the_declared_number(plane, cluster_desk):
    plane.create("nodes", "", "control-1", spec={})
    desk = await cluster_desk(plane, {"executor": "kubernetes-nodes", "nodes": ["worker-*"]})
    plan, outcome = await done(desk, call("kubernetes.cordon", node="worker-1"))
    assert outcome.stdout == "node worker-1: Ready, cordoned", outcome
    assert plan.inverse == plan.inverse.model_copy(
        update={"id": "kubernetes.uncordon", "parameters": {"node": "worker-1"}}
    )
    for node, reason in (
        ("worker-2", "allows no more"), ("control-1", "no node"), ("worker-9", "no node"),
        ("worker-1/status", ""), ("../worker-1", ""), ("", ""), (None, ""),
    ):  # fmt: skip
        refused = await tried(desk, call("kubernetes.cordon", node=node))
        assert refused is None or (refused.nothing_ran and reason in refused.error), node
    _, repeat = await done(desk, call("kubernetes.cordon", node="worker-1"))
    assert repeat.stdout.startswith("node worker-1 was so already")
    _, undone = await done(desk, call(plan.inverse.id, **plan.inverse.parameters))
    assert undone.stdout == "node worker-1: Ready", undone
    status = await desk.client.execute(call("service.status"), key="s")
    assert status.stdout == "node worker-1: Ready\nnode worker-2: Ready"
    assert len(plane.changes) == 2
