"""The queries about a cluster by their names, and the interface of a source that answers them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})")


class Query(StrEnum):
    """A query. Its argument is a namespace, `NAMESPACE.NAME`, or the name of a node."""

    PODS = "pods"
    """The table of the pods of a namespace, as `kubectl get pods -o wide` prints it."""
    EVENTS = "events"
    """The table of the events of a namespace, as `kubectl get events` prints it."""
    DESCRIBE = "describe"
    """The description of a pod, as `kubectl describe pod` prints it."""
    ERRORS = "errors"
    """The lines of a service's log that report errors."""
    NODE_SERVICES = "node-services"
    """The state of the system services of a node: kubelet, containerd, kube-proxy."""


class NoAnswer(Exception):
    """The source did not answer a query. The text is the reason in a word or two."""


class ClusterSource(Protocol):
    """Answers queries about one cluster, and only reads. It asks for at most `most_logs` logs."""

    most_logs: int

    async def arguments(self, query: Query, namespace: str) -> Sequence[str]:
        """Return the arguments that this query may have in a namespace, at most a few hundred.

        For nodes, `namespace` is ignored.
        """
        ...

    async def answer(self, query: Query, argument: str) -> str:
        """Return the answer as text, cut to a bound, or raise NoAnswer."""
        ...


def is_name(text: str) -> bool:
    """Return True if the text may be the name of a namespace, pod, service or node."""
    return _NAME.fullmatch(text) is not None and ".." not in text
