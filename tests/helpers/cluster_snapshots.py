"""Snapshots of a small shop on Kubernetes with one fault each, as `python -m bot enrich` reads them.

They are written by hand from the forms of kubectl and systemd, with the noise of a real cluster:
hundreds of events, thousands of error lines, long descriptions.
"""

# ruff: noqa: E501 - the messages stand on one line, as the tools print them

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

NS = "shop"
SERVICES = (
    "frontend", "checkoutservice", "cartservice", "catalogservice", "currencyservice",
    "paymentservice", "shippingservice", "emailservice", "adservice", "recommendationservice",
    "redis-cart", "mysql",
)  # fmt: skip
NODES = ("worker-01", "worker-02", "worker-03")


@dataclass
class Fault:
    """A fault, the alert that tells of it, and what a reader must find in the evidence."""

    name: str
    alert: dict[str, object]
    decisive: tuple[str, ...]
    pods: dict[str, str] = field(default_factory=dict)  # READY STATUS RESTARTS AGE, by service
    events: tuple[str, ...] = ()
    described: dict[str, str] = field(default_factory=dict)  # the state of the container
    errors: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)


def pod_name(service: str, number: int = 0) -> str:
    """Return the name of a pod of the service."""
    if service == "mysql":
        return f"{service}-{number}"
    return f"{service}-7d9f8b6c5{number}-x2x9k"


def alert(name: str, service: str = "", **annotations: str) -> dict[str, object]:
    """Return one alert of a webhook of Alertmanager."""
    labels = {"alertname": name, "namespace": NS, "severity": "critical"}
    return {
        "status": "firing",
        "labels": labels | ({"service": service} if service else {}),
        "annotations": {"summary": name, **annotations},
        "startsAt": "2026-11-21T03:04:05Z",
        "fingerprint": "c0ffee",
    }


def write(fault: Fault, directory: Path) -> Path:
    """Write the snapshot and return its directory."""
    for query in ("pods", "events", "describe", "errors", "node-services"):
        (directory / query).mkdir(parents=True, exist_ok=True)
    (directory / f"pods/{NS}.txt").write_text(_pods(fault))
    (directory / f"events/{NS}.txt").write_text(_events(fault))
    for service in SERVICES:
        if fault.pods.get(service) == "":
            continue
        text = _described(service, fault.described.get(service, ""))
        (directory / f"describe/{NS}.{pod_name(service)}.txt").write_text(text)
        (directory / f"errors/{NS}.{service}.txt").write_text(
            fault.errors.get(service, "No error logs found.\n")
        )
    for node in NODES:
        (directory / f"node-services/{node}.txt").write_text(
            fault.nodes.get(node, _services_of_node({}))
        )
    return directory


def _pods(fault: Fault) -> str:
    rows = [
        "NAME   READY   STATUS    RESTARTS   AGE   IP   NODE   NOMINATED NODE   READINESS GATES"
    ]
    for number, service in enumerate(SERVICES):
        state = fault.pods.get(service, "1/1     Running   0          41d")
        if state:
            node = NODES[number % 3] if "Pending" not in state else "<none>"
            rows.append(
                f"{pod_name(service):<44}{state}   10.0.{number}.9   {node}   <none>   <none>"
            )
    return "\n".join(rows) + "\n"


def _events(fault: Fault) -> str:
    rows = ["LAST SEEN   TYPE      REASON    OBJECT    MESSAGE"]
    for number in range(300):
        service = SERVICES[number % len(SERVICES)]
        reason = ("Pulled", "Created", "Started", "Scheduled")[number % 4]
        rows.append(
            f"{number % 59 + 1}m   Normal   {reason}   pod/{pod_name(service)}   "
            f"Container image {number} is there already, and the container is started"
        )
    rows[150:150] = fault.events
    return "\n".join(rows) + "\n"


def _described(service: str, state: str) -> str:
    running = "    State:          Running\n      Started:      Sat, 11 Oct 2026 03:00:00 +0000\n    Ready:          True\n    Restart Count:  0"
    return f"""Name:             {pod_name(service)}
Namespace:        {NS}
Priority:         0
Service Account:  {service}
Node:             worker-02/10.0.0.2
Start Time:       Sat, 11 Oct 2026 03:00:00 +0000
Labels:           app={service}
                  pod-template-hash=7d9f8b6c50
Annotations:      cni.projectcalico.org/containerID: 0123456789abcdef0123456789abcdef
                  cni.projectcalico.org/podIP: 10.0.1.9/32
Status:           Running
IP:               10.0.1.9
IPs:
  IP:           10.0.1.9
Controlled By:  ReplicaSet/{service}-7d9f8b6c50
Containers:
  server:
    Container ID:   containerd://0123456789abcdef0123456789abcdef
    Image:          registry.example/{service}:v1.4.2
    Image ID:       registry.example/{service}@sha256:0123456789abcdef0123456789abcdef
    Port:           8080/TCP
    Host Port:      0/TCP
{state or running}
    Limits:
      cpu:     300m
      memory:  128Mi
    Requests:
      cpu:      100m
      memory:   64Mi
    Liveness:   http-get http://:8080/healthz delay=10s timeout=1s period=10s #success=1 #failure=3
    Readiness:  http-get http://:8080/healthz delay=10s timeout=1s period=10s #success=1 #failure=3
    Environment:
      PORT:              8080
      MYSQL_ADDR:        mysql:3306
      DB_PASSWORD:       <set to the key 'password' in secret 'db-credentials'>  Optional: false
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-abcde (ro)
Conditions:
  Type              Status
  Initialized       True
  Ready             True
  ContainersReady   True
  PodScheduled      True
Volumes:
  kube-api-access-abcde:
    Type:                    Projected (a volume that contains injected data from multiple sources)
    TokenExpirationSeconds:  3607
    ConfigMapName:           kube-root-ca.crt
    ConfigMapOptional:       <nil>
    DownwardAPI:             true
QoS Class:                   Burstable
Node-Selectors:              <none>
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:                      <none>
"""


def _services_of_node(down: dict[str, str]) -> str:
    blocks = []
    for service in ("kubelet", "containerd", "kube-proxy"):
        state = down.get(service, "active (running) since Sat 2026-10-11 03:00:00 UTC; 1 month ago")
        blocks.append(
            f"● {service}.service - {service}\n"
            f"     Loaded: loaded (/lib/systemd/system/{service}.service; enabled; preset: enabled)\n"
            f"     Active: {state}\n   Main PID: 812 (code=exited, status=0/SUCCESS)\n"
            f"      Tasks: 14 (limit: 9430)\n     Memory: 61.2M\n"
        )
    return "\n".join(blocks)


def _log(line: str, count: int, *, from_: int = 0) -> str:
    return "".join(
        f"2026-11-21T03:{n // 60 % 60:02}:{n % 60:02}.123Z ERROR [trace-{n:06x}] "
        + line.replace("{n}", str(n)) + "\n"
        for n in range(from_, from_ + count)
    )  # fmt: skip


def _warn(reason: str, target: str, message: str, seen: str = "2m") -> str:
    return f"{seen}   Warning   {reason}   {target}   {message}"


def _waiting(reason: str, message: str) -> str:
    return f"    State:          Waiting\n      Reason:       {reason}\n      Message:      {message}\n    Ready:          False\n    Restart Count:  0"


_OOM = """    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Sat, 21 Nov 2026 03:00:00 +0000
      Finished:     Sat, 21 Nov 2026 03:00:41 +0000
    Ready:          False
    Restart Count:  7"""
_NOISE = _log("could not retrieve ads for request {n}: context canceled", 3_000)
_CARTS_DOWN = _log(
    "rpc error: code = Unavailable desc = connection error: dial tcp 10.96.7.1:7070:"
    " connect: connection refused (cartservice), request {n}", 400,
)  # fmt: skip

FAULTS = (
    Fault(
        "memory limit too small",
        alert("KubePodCrashLooping", "adservice"),
        ("adservice", "OOMKilled", "Exit Code: 137", "memory: 128Mi", "Back-off restarting"),
        pods={"adservice": "0/1   CrashLoopBackOff   7 (2m1s ago)   41d"},
        events=(_warn("BackOff", f"pod/{pod_name('adservice')}", "Back-off restarting failed container server"),),
        described={"adservice": _OOM},
        errors={"frontend": _NOISE},
    ),
    Fault(
        "secret missing",
        alert("KubeDeploymentReplicasMismatch", description="Deployment paymentservice has 0 of 1"),
        ("paymentservice", 'secret "pay-credentials" not found', "CreateContainerConfigError"),
        pods={"paymentservice": "0/1   CreateContainerConfigError   0   6m"},
        events=(_warn("Failed", f"pod/{pod_name('paymentservice')}", 'Error: secret "pay-credentials" not found', "9s (x26 over 6m)"),),
        described={"paymentservice": _waiting("CreateContainerConfigError", 'secret "pay-credentials" not found')},
    ),
    Fault(
        "image not there",
        {"namespace": NS, "title": "Deployment emailservice does not roll out"},
        ("emailservice", "v9.9.9: not found", "ImagePullBackOff"),
        pods={"emailservice": "0/1   ImagePullBackOff   0   3m"},
        events=(
            _warn("Failed", f"pod/{pod_name('emailservice')}", 'Failed to pull image "registry.example/emailservice:v9.9.9": rpc error: code = NotFound desc = registry.example/emailservice:v9.9.9: not found'),
            _warn("Failed", f"pod/{pod_name('emailservice')}", "Error: ErrImagePull"),
            _warn("Failed", f"pod/{pod_name('emailservice')}", "Error: ImagePullBackOff"),
        ),
        described={"emailservice": _waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/emailservice:v9.9.9"')},
    ),
    Fault(
        "no node fits",
        alert("KubePodNotReady", "shippingservice"),
        ("shippingservice", "Pending", "didn't match Pod's node affinity/selector"),
        pods={"shippingservice": "0/1   Pending   0   12m"},
        events=(_warn("FailedScheduling", f"pod/{pod_name('shippingservice')}", "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling."),),
    ),
    Fault(
        "quota used up: there is no pod",
        {"namespace": NS, "title": "checkoutservice has no replicas"},
        ("checkoutservice", "exceeded quota: compute-quota", "limited: requests.memory=2Gi"),
        pods={"checkoutservice": ""},
        events=(_warn("FailedCreate", "replicaset/checkoutservice-6b7c8d9f5d", 'Error creating: pods "checkoutservice-6b7c8d9f5d-abcde" is forbidden: exceeded quota: compute-quota, requested: requests.memory=512Mi, used: requests.memory=2Gi, limited: requests.memory=2Gi', "4m (x14 over 9m)"),),
        errors={"frontend": _log("could not place order {n}: lookup checkoutservice: no endpoints available", 900)},
    ),
    Fault(
        "volume not bound",
        alert("KubePersistentVolumeClaimPending", "mysql"),
        ("mysql", 'storageclass.storage.k8s.io "fast-ssd" not found', "unbound immediate PersistentVolumeClaims"),
        pods={"mysql": "0/1   Pending   0   22m"},
        events=(
            _warn("FailedScheduling", "pod/mysql-0", "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/4 nodes are available"),
            _warn("ProvisioningFailed", "persistentvolumeclaim/data-mysql-0", 'storageclass.storage.k8s.io "fast-ssd" not found'),
        ),
        errors={name: _log(f"{name}: failed to connect to mysql:3306, attempt {{n}}: connection refused", 500) for name in ("cartservice", "catalogservice")},
    ),
    Fault(
        "probe of the wrong port",
        alert("HighErrorRate", "frontend"),
        ("catalogservice", "Liveness probe failed", "connect: connection refused", "http-get http://:8080/healthz"),
        pods={"catalogservice": "0/1   Running   14 (35s ago)   41d"},
        events=(
            _warn("Unhealthy", f"pod/{pod_name('catalogservice')}", 'Liveness probe failed: Get "http://10.0.3.9:8088/healthz": dial tcp 10.0.3.9:8088: connect: connection refused', "31s (x44 over 20m)"),
            f"31s   Normal   Killing   pod/{pod_name('catalogservice')}   Container server failed liveness probe, will be restarted",
        ),
        errors={"frontend": _NOISE + _log("could not retrieve products: catalogservice: connection refused {n}", 12)},
    ),
    Fault(
        "kubelet dead",
        alert("KubeNodeNotReady"),
        ("node-services/worker-02", "kubelet", "inactive (dead)", "NodeNotReady"),
        pods={"cartservice": "1/1   Terminating   0   41d", "paymentservice": "1/1   Terminating   0   41d"},
        events=("6m   Normal   NodeNotReady   node/worker-02   Node worker-02 status is now: NodeNotReady",),
        nodes={"worker-02": _services_of_node({"kubelet": "inactive (dead) since Sat 2026-11-21 02:58:10 UTC; 6min ago"})},
    ),
    Fault(
        "containerd failed",
        alert("KubePodNotReady", "recommendationservice"),
        ("containerd", "failed (Result: exit-code)", "worker-03", "FailedCreatePodSandBox"),
        pods={"recommendationservice": "0/1   ContainerCreating   0   4m"},
        events=(_warn("FailedCreatePodSandBox", f"pod/{pod_name('recommendationservice')}", 'Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"', "4s (x19 over 4m)"),),
        nodes={"worker-03": _services_of_node({"containerd": "failed (Result: exit-code) since Sat 2026-11-21 03:00:10 UTC; 4min ago"})},
    ),
    Fault(
        "callers name the callee, all pods run",
        alert("HighLatency", "frontend"),
        ("cartservice", "connection refused (cartservice)", "×400", "describe/shop.cartservice"),
        errors={"frontend": _NOISE + _CARTS_DOWN, "checkoutservice": _CARTS_DOWN},
    ),
    Fault(
        "password of the database wrong",
        alert("HighErrorRate", "catalogservice"),
        ("catalogservice", "Access denied for user 'shop'", "MYSQL_ADDR"),
        errors={"catalogservice": _log("query {n} took 2 ms, no rows", 4_000) + _log("(1045): Access denied for user 'shop'@'10.0.3.9' (using password: YES)", 3), "frontend": _NOISE},
    ),
    Fault(
        "name does not resolve",
        {"namespace": NS, "title": "recommendationservice: error ratio over 5 %"},
        ("recommendationservice", "lookup catalogservice-v2 on 10.96.0.10:53: no such host"),
        errors={"recommendationservice": _log("ListProducts failed: dial tcp: lookup catalogservice-v2 on 10.96.0.10:53: no such host {n}", 230), "frontend": _NOISE},
    ),
    Fault(
        "two containers want one port",
        alert("KubePodCrashLooping", "currencyservice"),
        ("currencyservice", "bind: address already in use", "Exit Code: 1"),
        pods={"currencyservice": "1/2   CrashLoopBackOff   5 (10s ago)   4m"},
        events=(_warn("BackOff", f"pod/{pod_name('currencyservice')}", "Back-off restarting failed container sidecar"),),
        described={"currencyservice": _OOM.replace("OOMKilled", "Error").replace("137", "1")},
        errors={"currencyservice": "2026-11-21T03:00:00Z FATAL listen tcp :7000: bind: address already in use\n" * 5},
    ),
)  # fmt: skip
