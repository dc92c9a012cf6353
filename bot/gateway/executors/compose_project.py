"""The containers of a Compose project, found by their labels, those that others need first."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.engine import DockerUrl, Engine
from bot.gateway.executors.remote import REFUSED, TOO_MUCH
from bot.gateway.parts import Name, Target
from bot.validation import form

_LABELS = "com.docker.compose."
_MOST_CONTAINERS = 50
_NUMBER = re.compile(r"[0-9]{1,9}")  # Python refuses to read thousands of digits


class ComposeTarget(Target):
    """One project, or one service of it, by the exact names that Compose gave its containers."""

    executor: Literal["compose"]
    project: Annotated[
        str, form(r"[a-z0-9][a-z0-9_-]{0,99}", "must be the name of a Compose project: a-z 0-9 _ -")
    ]
    service: Name | Literal[""] = ""
    url: DockerUrl = "unix:///var/run/docker.sock"
    min_replicas: int = Field(default=1, ge=1, le=_MOST_CONTAINERS)
    max_replicas: int = Field(default=10, ge=1, le=_MOST_CONTAINERS)
    start_seconds: float = Field(default=60, gt=0, le=600)
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a project or a service of one of these names."""
        for field in ("project", "service"):
            if str(getattr(self, field)).lower() in names:
                return f"{field}: is the bot, its gateway or a caller"
        return ""


@dataclass(frozen=True, slots=True)
class Member:
    """One inspection of one container of the project."""

    id: str
    inspection: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its name without the slash."""
        return str(self.inspection["Name"]).removeprefix("/")

    @property
    def labels(self) -> Mapping[str, str]:
        """Return its labels."""
        return self.inspection["Config"].get("Labels") or {}

    @property
    def service(self) -> str:
        """Return the service that it belongs to."""
        return str(self.labels.get(f"{_LABELS}service", ""))

    @property
    def number(self) -> int:
        """Return its number within the service, 0 for a label that is none."""
        text = self.labels.get(f"{_LABELS}container-number", "")
        return int(text) if _NUMBER.fullmatch(text) else 0

    @property
    def needs(self) -> frozenset[str]:
        """Return the services that have to run before it."""
        text = self.labels.get(f"{_LABELS}depends_on", "")
        return frozenset(part.partition(":")[0] for part in text.split(",") if part)

    @property
    def running(self) -> bool:
        """Return True while its process runs."""
        return bool(self.inspection["State"]["Running"])

    @property
    def pid(self) -> int:
        """Return its first process, 0 without one."""
        return int(self.inspection["State"]["Pid"])

    @property
    def health(self) -> str:
        """Return the verdict of its health check, '' without one."""
        status = str((self.inspection["State"].get("Health") or {}).get("Status") or "")
        return "" if status == "none" else status

    @property
    def tty(self) -> bool:
        """Return True if its log is one stream."""
        return bool(self.inspection["Config"]["Tty"])

    def state(self) -> str:
        """Return its state as a part of one line."""
        state = self.inspection["State"]
        if not self.running:
            return f"{state['Status']} (exit code {state['ExitCode']})"
        return f"running, {self.health}" if self.health else "running"


async def members_of(engine: Engine, target: ComposeTarget) -> list[Member]:
    """Return the target's containers, those that others need first.

    ExecutorError NO_CONTAINER without any, TOO_MUCH for more than 50.
    """
    labels = [f"{_LABELS}project={target.project}"]
    if target.service:
        labels.append(f"{_LABELS}service={target.service}")
    filters = quote(json.dumps({"label": labels}), safe="")
    listed = await engine.items(f"/containers/json?all=1&filters={filters}")
    kept = [c for c in listed if (c.get("Labels") or {}).get(f"{_LABELS}oneoff") != "True"]
    if not kept:
        what = f"{target.project}/{target.service}" if target.service else target.project
        raise ExecutorError("NO_CONTAINER", f"No container of the Compose project {what}")
    if len(kept) > _MOST_CONTAINERS:
        raise ExecutorError(TOO_MUCH, f"{target.project} has over {_MOST_CONTAINERS} containers")
    return in_order([await member_of(engine, str(container.get("Id"))) for container in kept])


async def member_of(engine: Engine, identifier: str) -> Member:
    """Inspect one container by its id."""
    if not identifier.isalnum():  # it becomes part of a URL path
        raise ExecutorError("DOCKER_UNREADABLE", "Docker's answer lacks a proper Id")
    member = Member(identifier, await engine.json("GET", f"/containers/{identifier}/json"))
    try:
        _ = member.name, member.labels, member.pid, member.running, member.tty, member.state()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExecutorError("DOCKER_UNREADABLE", f"Docker's answer lacks {error}") from error
    return member


def in_order(members: Sequence[Member]) -> list[Member]:
    """Sort the members so that each stands behind those that it needs; a circle is cut."""
    left = sorted(members, key=lambda member: (member.service, member.number, member.name))
    ordered: list[Member] = []
    while left:
        waiting = {member.service for member in left}
        free = [m for m in left if not (m.needs - {m.service}) & waiting] or left[:1]
        ordered += free
        left = [member for member in left if member not in free]
    return ordered


def copy_of(member: Member, number: int) -> tuple[str, dict[str, Any]]:
    """Return the name and the body of `POST /containers/create` for one more of its service.

    ExecutorError refuses a service of which only one container can exist: with a port or an
    address of the host, a name of its own, or several networks.
    """
    seen = member.inspection
    project = member.labels.get(f"{_LABELS}project", "")
    usual = {f"{project}{mark}{member.service}{mark}{member.number}": mark for mark in "-_"}
    mark = usual.get(member.name)
    networks = (seen.get("NetworkSettings") or {}).get("Networks") or {}
    bindings = (seen["HostConfig"].get("PortBindings") or {}).values()
    reasons = (
        (mark is None, "its container has a name of its own"),
        (any(b.get("HostPort") for ports in bindings for b in ports or ()), "it has a host port"),
        (len(networks) > 1, "it has several networks"),
        (any(n.get("IPAMConfig") for n in networks.values()), "it has a fixed address"),
    )
    for applies, reason in reasons:
        if applies:
            raise ExecutorError(REFUSED, f"{member.service} cannot have more replicas: {reason}")
    labels = {**member.labels, f"{_LABELS}container-number": str(number)}
    config = {**seen["Config"], "Labels": labels}
    if config.get("Hostname") == member.id[:12]:
        config.pop("Hostname")
    aliases = {name: {"Aliases": [member.service]} for name in networks if name not in _FIXED}
    return f"{project}{mark}{member.service}{mark}{number}", {
        **config,
        "HostConfig": seen["HostConfig"],
        **({"NetworkingConfig": {"EndpointsConfig": aliases}} if aliases else {}),
    }


_FIXED = frozenset({"none", "host", "bridge"})
