"""The objects of a stand-in for a Kubernetes cluster, which its API and its controllers share."""

from __future__ import annotations

import copy
import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
NAMESPACE = "shop"


@dataclass
class ClusterObjects:
    """Objects by resource, namespace and name. A pod of a broken image is never ready."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    broken_images: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)

    def next_id(self) -> int:
        return next(self._ids)

    def all(self, resource: str) -> list[Object]:
        return [thing for (kind, _, _), thing in list(self.objects.items()) if kind == resource]

    def get(self, resource: str, name: str, namespace: str = NAMESPACE) -> Object:
        return self.objects[resource, namespace, name]

    def create(
        self, resource: str, namespace: str, name: str, *, owner: Object | None = None,
        labels: Object | None = None, annotations: Object | None = None, **fields: Any,
    ) -> Object:  # fmt: skip
        number = self.next_id()
        metadata: Object = {
            "name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "generation": 1,
            "resourceVersion": str(number), "labels": labels or {},
            "annotations": annotations or {}, "creationTimestamp": f"2026-11-27T0:{number:05d}Z",
        }  # fmt: skip
        if owner is not None:
            metadata["ownerReferences"] = [{"uid": owner["metadata"]["uid"], "controller": True}]
        thing = {"metadata": metadata, "status": {}, **copy.deepcopy(fields)}
        self.objects[resource, namespace, name] = thing
        return thing

    def create_pod(self, owner: Object, name: str, template: Object, **labels: str) -> None:
        self.create(
            "pods", owner["metadata"]["namespace"], name, owner=owner,
            labels={**template["metadata"]["labels"], **labels}, spec=template["spec"],
        )  # fmt: skip

    def workload(
        self, resource: str, name: str, *, image: str = "app:1", replicas: int = 2
    ) -> None:
        template = {"metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": image}]}}  # fmt: skip
        self.create(
            resource, NAMESPACE, name,
            spec={"selector": {"matchLabels": {"app": name}}, "template": template}
            | ({} if resource == "daemonsets" else {"replicas": replicas}),
        )  # fmt: skip

    def set_image(self, resource: str, name: str, image: str) -> None:
        """Change a workload as `kubectl set image` does."""
        thing = self.get(resource, name)
        thing["spec"]["template"]["spec"]["containers"][0]["image"] = image
        thing["metadata"]["generation"] += 1

    def pods(self, name: str) -> dict[str, str]:
        """Return the images of a workload's ready pods by the pods' uids."""
        return {
            pod["metadata"]["uid"]: pod["spec"]["containers"][0]["image"]
            for pod in self.all("pods")
            if pod["metadata"]["labels"]["app"] == name and self.is_ready(pod)
        }

    def settled(self, name: str, image: str, replicas: int) -> bool:
        everything = [p for p in self.all("pods") if p["metadata"]["labels"]["app"] == name]
        return list(self.pods(name).values()) == [image] * replicas == [image] * len(everything)

    def owns(self, owner: Object, thing: Object) -> bool:
        references = thing["metadata"].get("ownerReferences") or ()
        return any(each["uid"] == owner["metadata"]["uid"] for each in references)

    def is_ready(self, pod: Object) -> bool:
        conditions = pod["status"].get("conditions") or ()
        return any(each["status"] == "True" for each in conditions)

    def terminate(self, pod: Object) -> None:
        pod["metadata"]["deletionTimestamp"] = "2026-11-27T00:00:00Z"

    def remove(self, resource: str, thing: Object) -> None:
        metadata = thing["metadata"]
        self.objects.pop((resource, metadata["namespace"], metadata["name"]), None)
