"""Reads the table of pods, and decides which pods are suspicious."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.enrichment.kubernetes.fitting import Line
from bot.enrichment.kubernetes.text import lines_of, one_space, seconds_of
from bot.incidents.names import workload_of_pod

MOST_PODS = 5_000
_READY = re.compile(r"(\d{1,4})/(\d{1,4})")
_WHOLE = {"Running", "Completed", "Succeeded"}
# The larger, the closer to a cause. A pod that only waits is often the consequence of another one.
_BY_STATUS = {
    "OOMKilled": 100,
    "CrashLoopBackOff": 95,
    "Error": 95,
    "RunContainerError": 95,
    "CreateContainerConfigError": 95,
    "CreateContainerError": 95,
    "ImagePullBackOff": 95,
    "ErrImagePull": 95,
    "InvalidImageName": 95,
    "Evicted": 90,
    "Pending": 85,
    "ContainerCreating": 80,
    "Terminating": 60,
    "Unknown": 85,
}
_OTHER_STATUS = 80
_NOT_READY = 70
_YOUNG = 15
_RESTARTED_BY_AGE = ((3_600, 55), (6 * 3_600, 30), (86_400, 15))
"""The points of a restart that is at most so many seconds old; one of long ago says nothing."""
_MOST_ROWS = 10  # of suspicious pods; of the others the names are enough


@dataclass(frozen=True, slots=True)
class Pod:
    """One row of the table; `restarted` and `age` in seconds, None if the table does not say."""

    row: str
    namespace: str
    name: str
    ready: int
    containers: int
    status: str
    restarts: int
    restarted: int | None
    age: int | None
    node: str

    @property
    def workload(self) -> str:
        """Return the workload that its name says."""
        return workload_of_pod(self.name)

    @property
    def is_whole(self) -> bool:
        """Return True if it runs with all its containers ready, or has ended well."""
        is_done = self.status in ("Completed", "Succeeded")
        return self.status in _WHOLE and (is_done or self.ready == self.containers)


def read_pods(text: str, namespace: str) -> list[Pod]:
    """Return the pods of a table of `kubectl get pods`, with or without `-o wide` and `-A`."""
    pods: list[Pod] = []
    for line in lines_of(text):
        tokens = line.split()
        at = next((i for i in (1, 2) if i < len(tokens) and _READY.fullmatch(tokens[i])), 0)
        if not at or len(tokens) < at + 3:
            continue
        ready, containers = map(int, tokens[at].split("/"))
        behind = tokens[at + 2 :]
        restarted = None
        if len(behind) > 2 and behind[1].startswith("("):
            restarted = seconds_of(behind[1].strip("()"))
            behind = [behind[0], *behind[3:]]
        pods.append(
            Pod(
                row=one_space(line),
                namespace=tokens[0] if at == 2 else namespace,
                name=tokens[at - 1],
                ready=ready,
                containers=containers,
                status=tokens[at + 1],
                restarts=int(behind[0]) if behind[0].isdecimal() and len(behind[0]) < 7 else 0,
                restarted=restarted,
                age=seconds_of(behind[1]) if len(behind) > 1 else None,
                node=behind[3] if len(behind) > 3 and behind[3] != "<none>" else "",
            )
        )
        if len(pods) == MOST_PODS:
            break
    return pods


def young_pods(pods: Sequence[Pod]) -> frozenset[str]:
    """Return the names of pods that are much younger than most others: something changed there."""
    ages = sorted(pod.age for pod in pods if pod.age is not None)
    if len(ages) < 3:
        return frozenset()
    usual = ages[len(ages) // 2]
    return frozenset(
        pod.name for pod in pods if pod.age is not None and pod.age * 4 < usual and usual > 600
    )


def suspicion(pod: Pod, young: Collection[str], usual_restarts: int) -> int:
    """Return how suspicious a pod is; 0 for one that runs as usual."""
    points = 0
    if not pod.is_whole:
        status = pod.status.removeprefix("Init:")
        points = _BY_STATUS.get(status, _NOT_READY if status == "Running" else _OTHER_STATUS)
    points = max(points, _points_of_restarts(pod, usual_restarts))
    if points and pod.restarts > usual_restarts:
        points += min(pod.restarts, 9)
    return points + (_YOUNG if pod.name in young else 0)


def _points_of_restarts(pod: Pod, usual: int) -> int:
    if not pod.restarts:
        return 0
    if pod.restarted is None:  # older kubectl does not say when
        return 40 if pod.restarts > 3 * usual + 2 else 0
    return next((points for seconds, points in _RESTARTED_BY_AGE if pod.restarted <= seconds), 0)


def usual_restarts(pods: Sequence[Pod]) -> int:
    """Return the median of the restarts."""
    counts = sorted(pod.restarts for pod in pods)
    return counts[len(counts) // 2] if counts else 0


def pod_lines(
    pods: Sequence[Pod],
    scores: Mapping[str, int],
    young: Collection[str],
    own: Collection[str],
    absent: Collection[str],
) -> list[Line]:
    """Return the rows of suspicious pods, the most suspicious first, and the names of the others.

    `own` are the workloads that the alert names: their rows are shown too. `absent` are workloads
    that should have pods and have none.
    """
    chosen = [pod for pod in pods if scores[pod.name] or pod.workload in own]
    ranked = sorted(chosen, key=lambda pod: (-scores[pod.name], pod.name))
    lines = [Line(_row(pod, young), index // 5) for index, pod in enumerate(ranked[:_MOST_ROWS])]
    if absent:
        lines.insert(0, Line(f"no pod of: {', '.join(sorted(absent))}", 0))
    by_status: dict[str, list[str]] = {}
    for pod in ranked[_MOST_ROWS:]:
        by_status.setdefault(f"{pod.ready}/{pod.containers} {pod.status}", []).append(pod.workload)
    lines += [Line(f"{status}: {_counted(names)}", 2) for status, names in by_status.items()]
    others = [pod for pod in pods if not scores[pod.name] and pod.workload not in own]
    if others:
        lines.append(Line(f"as usual: {_counted(pod.workload for pod in others)}", 3))
    return lines


def _row(pod: Pod, young: Collection[str]) -> str:
    row = pod.row.removesuffix(" <none> <none>")
    return f"{row} (much younger than most others)" if pod.name in young else row


def _counted(names: Iterable[str]) -> str:
    return ", ".join(
        f"{name} ×{n}" if n > 1 else name for name, n in sorted(Counter(names).items())
    )
