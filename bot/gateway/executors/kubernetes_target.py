"""A Kubernetes workload and a cluster's nodes as targets, and their actions."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from bot.gateway.actions import Action, LogsParameters, Parameters
from bot.gateway.parts import EnvName, Glob, Target
from bot.serving.hosts import is_loopback
from bot.validation import form

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
Namespace = Annotated[str, form(_LABEL, "must be the name of a namespace: a-z 0-9 -, 1 to 63")]
ObjectName = Annotated[
    str, form(_SUBDOMAIN, "must be the name of an object: a-z 0-9 - ., 1 to 253")
]


def _server(value: str) -> str:
    url = URL(value)
    if not url.absolute or url != url.origin() or url.scheme not in ("http", "https"):
        raise ValueError("must be https://host or https://host:port, without a path or user")
    if url.scheme == "http" and not is_loopback(url.host or ""):
        raise ValueError("must be https://: only a proxy on this machine may be http://")
    return value


class ClusterTarget(Target):
    """The way to one cluster: its address and token, a kubeconfig, or the pod's own account."""

    secret_names: ClassVar[tuple[str, ...]] = ("token",)

    server: Annotated[str, AfterValidator(_server)] = ""
    ca_file: Path | None = None
    token_env: EnvName | None = None
    token_file: Path | None = None
    kubeconfig: Path | None = None
    context: str = Field(default="", max_length=253)
    service_account: bool = False
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((bool(self.server), self.kubeconfig is not None, self.service_account)) != 1:
            raise ValueError("needs exactly one of server, kubeconfig and service_account")
        if self.context and self.kubeconfig is None:
            raise ValueError("context belongs to a kubeconfig")
        return self


class KubernetesTarget(ClusterTarget):
    """One workload of one declared namespace, by its exact kind and name."""

    executor: Literal["kubernetes"]
    namespace: Namespace
    kind: Literal["deployment", "statefulset", "daemonset"] = "deployment"
    workload: ObjectName
    container: str = Field(default="", max_length=63)
    min_replicas: int = Field(default=1, ge=0, le=1000)
    max_replicas: int = Field(default=10, ge=1, le=1000)
    rollout_seconds: float = Field(default=300, gt=0, le=3600)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse the cluster's own namespaces, and a workload of one of these names."""
        if self.namespace in SYSTEM_NAMESPACES:
            return "namespace: belongs to the cluster itself"
        ours = self.workload in names
        return "workload: is the bot, its gateway or a caller" if ours else ""


class NodesTarget(ClusterTarget):
    """The nodes of one cluster whose names match a declared pattern."""

    executor: Literal["kubernetes-nodes"]
    nodes: list[Glob] = Field(min_length=1, max_length=100)
    max_cordoned: int = Field(default=1, ge=1, le=1000)

    def covers(self, node: str) -> bool:
        """Return True if the operator declared this node."""
        return any(fnmatchcase(node, glob) for glob in self.nodes)


class PodParameters(Parameters):
    """Names the pod."""

    pod: ObjectName = Field(description="the exact name of a pod of this workload")


class NodeParameters(Parameters):
    """Names the node."""

    node: ObjectName = Field(description="the exact name of a declared node")


DELETE_POD = Action(
    id="kubernetes.delete_pod",
    verb="delete",
    title="Delete one pod; its workload makes another",
    mutating=True,
    parameters=PodParameters,
    risk="medium",
    blast="one replica is away until its successor is ready",
    verified_by="the gateway waits until the pod is gone and all replicas are ready",
)
EVENTS = Action(
    id="kubernetes.events",
    verb="events",
    title="Show the last events of the workload and its pods",
    mutating=False,
    parameters=LogsParameters,
    risk="low",
)
CORDON = Action(
    id="kubernetes.cordon",
    verb="cordon",
    title="Let no new pod start on a node",
    mutating=True,
    parameters=NodeParameters,
    inverse="kubernetes.uncordon",
    risk="medium",
    blast="the pods of the node stay, but the others have to take every new one",
    verified_by="the gateway reads the node again",
)
UNCORDON = Action(
    id="kubernetes.uncordon",
    verb="uncordon",
    title="Let pods start on a node again",
    mutating=True,
    parameters=NodeParameters,
    inverse="kubernetes.cordon",
    risk="medium",
    blast="new pods may start on the node",
    verified_by="the gateway reads the node again",
)
