"""The way to a cluster: credentials, certificates, and connections that break."""

from __future__ import annotations

import asyncio
import base64
import ssl
import uuid

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.bad_network import cutting_proxy, silent_server
from tests.helpers.certificates import make_certificate
from tests.helpers.kubernetes_control_plane import ROLE, TOKEN, control_plane
from tests.helpers.waiting import until

from .clusters import WEB, call, done


async def test_a_cluster_that_is_gone_silent_or_refuses_runs_nothing(
    plane, cluster_desk, free_port
):
    scale = call("service.scale", replicas=3)
    plane.rights["reader"] = ROLE | {"deployments/scale": ()}
    async with silent_server() as silent:
        for changes, code in (
            ({"server": f"http://127.0.0.1:{free_port()}"}, "TARGET_UNREACHABLE"),
            (
                {"server": f"http://127.0.0.1:{silent}", "timeout_seconds": 0.3},
                "TARGET_UNREACHABLE",
            ),
            ({"token": "another"}, "TARGET_UNREACHABLE"),
            ({"token": "reader"}, "TARGET_REFUSED"),
            ({"workload": "gone"}, "NO_OBJECT"),
            ({"namespace": "other"}, "NO_OBJECT"),
        ):
            desk = await cluster_desk(plane, WEB, **changes)
            outcome = await desk.client.execute(scale, key="k1")
            assert (outcome.error_code, outcome.nothing_ran) == (code, True), outcome
            assert "another" not in outcome.error
    assert plane.changes == []


async def test_a_connection_that_breaks_while_it_acts_is_outcome_unknown(plane, cluster_desk):
    port = int(plane.url.rpartition(":")[2])
    async with cutting_proxy(port, b"deployments/web/scale HTTP") as cut:
        desk = await cluster_desk(plane, server=f"http://127.0.0.1:{cut}")
        outcome = await desk.client.execute(call("service.scale", replicas=3), key="k1")
    assert outcome.error_code == OUTCOME_UNKNOWN, outcome
    desk = await cluster_desk(plane)
    _, repeat = await done(desk, call("service.scale", replicas=3))
    assert repeat.state == "succeeded"
    # The cluster goes away while the gateway waits for the pods.
    plane.stopped = True
    running = asyncio.create_task(desk.client.execute(call("service.rollout"), key="k2"))
    await until(lambda: any(r.endswith("deployments/web") for r in plane.changes))
    plane.rights.clear()
    unknown = await running
    assert unknown.error_code == OUTCOME_UNKNOWN, unknown


def _kubeconfig(url: str, ca: str, **user: str) -> str:
    data = base64.b64encode(ca.encode()).decode()
    fields = ", ".join(f"{name}: {value}" for name, value in user.items())
    return (
        f"current-context: here\ncontexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n"
        f"clusters: [{{name: c, cluster: {{server: '{url}', "
        f"certificate-authority-data: {data}}}}}]\n"
        f"users: [{{name: u, user: {{{fields}}}}}]\n"
    )


async def test_a_kubeconfig_gives_address_authority_and_token_and_starts_no_program(
    cluster_desk, tmp_path
):
    await asyncio.to_thread(make_certificate, tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    authority = (tmp_path / "cert.pem").read_text()
    (tmp_path / "token").write_text(TOKEN)
    async with control_plane(tls) as plane:
        plane.workload("deployments", "web")
        for user, ok in (
            ({"token": TOKEN}, True),
            ({"tokenFile": "token"}, True),
            ({"token": "wrong"}, False),
            ({"exec": "{command: touch}"}, False),
        ):
            file = tmp_path / f"kubeconfig-{uuid.uuid4().hex}"
            file.write_text(_kubeconfig(plane.url, authority, **user))
            desk = await cluster_desk(plane, kubeconfig=str(file))
            outcome = await desk.client.execute(call("service.status"), key="k")
            assert (outcome.state == "succeeded") == ok, (user, outcome)
        # The same address with another authority: no byte of the token is sent.
        seen = len(plane.requests)
        desk = await cluster_desk(plane)
        outcome = await desk.client.execute(call("service.status"), key="k")
        assert (outcome.error_code, len(plane.requests)) == ("TARGET_UNREACHABLE", seen)


@pytest.mark.attack("ASI03")
def test_a_config_that_could_reach_further_is_refused():
    for changes, reason in (
        ({"namespace": "kube-system"}, "belongs to the cluster itself"),
        ({"workload": "sopbot"}, "is the bot, its gateway or a caller"),
        ({"server": "http://10.0.0.1:6443"}, "must be https"),
        ({"server": "https://u:p@10.0.0.1"}, "without a path or user"),
        ({"server": "", "kubeconfig": None}, "must be https"),
        ({"service_account": True}, "exactly one of"),
        ({"workload": "../pods/web"}, "the name of an object"),
        ({"namespace": "a/b"}, "the name of a namespace"),
    ):
        target = WEB | {"server": "https://10.0.0.1:6443"} | changes
        with pytest.raises(ConfigError, match=reason):
            read_config({"targets": {"it": target}})
    with pytest.raises(ConfigError, match="exactly one of"):
        read_config({"targets": {"it": WEB}})
