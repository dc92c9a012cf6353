"""The labels from which the subject of an alert is read, the surest first."""

from __future__ import annotations

from collections.abc import Mapping

from bot.incidents.names import terms_of


def _ordered(*names: str) -> dict[str, None]:
    """Return the names in their order, as keys: of these C code says which a mapping lacks."""
    return dict.fromkeys(names)


SERVICE_LABELS = _ordered(
    "service", "service_name", "svc", "app", "application", "app_kubernetes_io_name",
    "label_app_kubernetes_io_name", "app_kubernetes_io_instance", "k8s_app", "label_app",
    "destination_service_name", "dag_id", "component", "project", "monitor",
)  # fmt: skip
WORKLOAD_LABELS = _ordered(
    "workload", "deployment", "statefulset", "daemonset", "rollout", "cronjob", "owner_name",
    "created_by_name", "kube_deployment", "kube_stateful_set", "kube_daemon_set",
    "k8s_deployment_name", "k8s_statefulset_name", "k8s_daemonset_name",
    "horizontalpodautoscaler", "hpa",
)  # fmt: skip
POD_LABELS = _ordered("pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "exported_pod")
NODE_LABELS = _ordered("node", "node_name", "kubernetes_node", "k8s_node_name", "nodename")
HOST_LABELS = _ordered(
    "host", "hostname", "host_name", "instance", "server", "InstanceId", "instance_id"
)
NAMESPACE_LABELS = _ordered(
    "namespace", "kubernetes_namespace", "k8s_namespace_name", "kube_namespace",
    "exported_namespace",
)  # fmt: skip
CLUSTER_LABELS = _ordered("cluster", "kubernetes_cluster", "k8s_cluster_name", "kube_cluster_name")
CONTAINER_LABELS = _ordered("container", "container_name", "k8s_container_name")
STRONG_ENVS = frozenset({
    "prod", "production", "prd", "staging", "stg", "preprod", "preproduction", "uat",
})  # fmt: skip
WEAK_ENVS = frozenset({"dev", "development", "test", "testing", "tst", "qa", "stage", "live"})
EXPORTER_PORTS = range(9100, 10_000)
KNOWN_LABELS = frozenset({
    *SERVICE_LABELS, *WORKLOAD_LABELS, *POD_LABELS, *NODE_LABELS, *HOST_LABELS,
    *CONTAINER_LABELS, "job", "job_name", "device", "replicaset",
})  # fmt: skip
"""A word of one of these is read with its own care, whatever intake took for the service."""

# What runs there serves the others, and says nothing about whose alert it is.
SHARED_NAMESPACES = terms_of(
    "monitoring observability prometheus kube-system istio-system linkerd datadog grafana logging"
    " default cattle-monitoring-system openshift-monitoring kube-monitoring metrics"
)


def first_of(labels: Mapping[str, str], known: Mapping[str, None]) -> tuple[str, str]:
    """Return the first value of these labels, and where it was read; ('', '') without any."""
    if known.keys().isdisjoint(labels):
        return "", ""
    for name in known:
        if value := labels.get(name, "").strip():
            return value, f"label {name}"
    return "", ""
