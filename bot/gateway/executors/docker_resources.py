"""Changes the memory and CPU limits of a container while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import NotAllowed
from bot.remediation.contract import TypedAction

_MIB = 2**20
_NANO = 1_000_000_000


class ResourceParameters(Parameters):
    """New limits; 0 leaves one as it is."""

    memory_mb: int = Field(default=0, ge=0, le=1_048_576, description="memory limit in MiB")
    cpu_percent: int = Field(default=0, ge=0, le=25_600, description="100 is one processor")


UPDATE = Action(
    id="docker.update_resources",
    verb="update",
    title="Change the memory and CPU limits of the container",
    mutating=True,
    parameters=ResourceParameters,
    risk="medium",
    blast="a memory limit under its usage ends the container, a low CPU limit slows it down",
    verified_by="the gateway reads the limits again",
)


def planned_update(
    parameters: Mapping[str, Any], before: Mapping[str, int], *, most_mb: int, most_percent: int
) -> dict[str, Any]:
    """Return the plan's fields. `before` are the limits in force, 0 without one.

    The inverse sets the former limits; a limit cannot be taken away again, so there is none then.
    """
    after = {name: int(parameters[name]) for name in before}
    if not any(after.values()):
        raise NotAllowed("NOTHING_TO_DO", "Give memory_mb or cpu_percent")
    for name, most in (("memory_mb", most_mb), ("cpu_percent", most_percent)):
        if after[name] > most:
            limit = f"at most {most}" if most else "none: the target declares no limit for it"
            raise NotAllowed("TOO_MUCH", f"{name}: {after[name]}, allowed is {limit}")
    changed = {name: value for name, value in after.items() if value}
    shown = ", ".join(f"{name} {before[name] or 'unlimited'} → {changed[name]}" for name in changed)
    undoable = all(before[name] for name in changed)
    back = {name: before[name] for name in changed}
    return {
        "steps": (f"set {shown}", "read the limits again"),
        "inverse": TypedAction(id=UPDATE.id, parameters=dict(back)) if undoable else None,
    }


def limits_of(inspection: Mapping[str, Any]) -> dict[str, int]:
    """Return the limits of an inspected container in the units of the parameters."""
    host = inspection.get("HostConfig") or {}
    return {
        "memory_mb": int(host.get("Memory") or 0) // _MIB,
        "cpu_percent": int(host.get("NanoCpus") or 0) * 100 // _NANO,
    }


def update_body(parameters: Mapping[str, Any], inspection: Mapping[str, Any]) -> dict[str, int]:
    """Return the body of POST /containers/{id}/update. The allowance of swap stays the same."""
    host, body = inspection["HostConfig"], dict[str, int]()
    if memory := int(parameters["memory_mb"]) * _MIB:
        old, swap = int(host.get("Memory") or 0), int(host.get("MemorySwap") or 0)
        body["Memory"] = memory
        body["MemorySwap"] = swap if swap < 0 else memory + max(0, swap - old)
    if percent := int(parameters["cpu_percent"]):
        body["NanoCpus"] = percent * _NANO // 100
    return body
