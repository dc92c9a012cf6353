"""A systemd unit as a target, and its live state as `systemctl show` prints it for programs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.gateway.parts import Target
from bot.remediation.contract import OURSELVES
from bot.validation import form

# https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
_SHOWN = (
    "Id", "LoadState", "ActiveState", "SubState", "Type", "Result", "MainPID", "InvocationID",
    "NRestarts", "FragmentPath", "ControlGroup", "RefuseManualStart", "RefuseManualStop",
    "Job", "ExecMainStatus",
)  # fmt: skip
# Whatever these name stops with the unit: it has Requires=, Requisite=, BindsTo= or PartOf= it, or
# the unit has PropagatesStopTo=.
_STOP_WITH_IT = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")
PROPERTIES = (*_SHOWN, *_STOP_WITH_IT)
# Without one of these the machine, or the gateway's way to systemd, is gone.
_OF_THE_MACHINE = re.compile(r"(systemd-.*|dbus|dbus-broker|polkit|user@.*|user-.*|init|getty@.*)")


def _unit(value: str) -> str:
    if _OF_THE_MACHINE.fullmatch(value.rpartition(".")[0]):
        raise ValueError("belongs to the machine itself; it is no target")
    return value


class SystemdTarget(Target):
    """One unit of this machine, by its exact name."""

    executor: Literal["systemd"]
    unit: Annotated[
        str,
        form(
            r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,200}\.(service|timer|socket)",
            "must be the exact name of a .service, .timer or .socket unit",
        ),
        AfterValidator(_unit),
    ]
    start_seconds: float = Field(default=60, gt=0, le=600)
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a unit of one of these names."""
        stem = self.unit.rpartition(".")[0].partition("@")[0].lower()
        ours = stem in names or is_ours(self.unit)
        return "unit: is the bot, its gateway or a caller" if ours else ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One reading of the unit's properties."""

    values: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return its own name: the target may have named an alias."""
        return self.values.get("Id", "")

    @property
    def active(self) -> str:
        """Return active, reloading, inactive, failed, activating or deactivating."""
        return self.values.get("ActiveState", "")

    @property
    def loaded(self) -> bool:
        """Return True if its file is there and was understood."""
        return self.values.get("LoadState") == "loaded"

    @property
    def invocation(self) -> str:
        """Return the id of its present run, '' if it never ran."""
        return self.values.get("InvocationID", "")

    @property
    def pid(self) -> int:
        """Return its main process, 0 without one."""
        text = self.values.get("MainPID", "0")
        return int(text) if text.isdigit() else 0

    @property
    def busy(self) -> bool:
        """Return True while systemd has a job for it."""
        return self.values.get("Job", "0") not in ("", "0")

    @property
    def dependents(self) -> list[str]:
        """Return the units that stop when it stops."""
        names = {name for kind in _STOP_WITH_IT for name in self.values.get(kind, "").split()}
        return sorted(name for name in names if not name.endswith(".target"))

    def refuses(self, verb: str) -> bool:
        """Return True if its file forbids a person to start or stop it."""
        stops = verb != "start" and self.values.get("RefuseManualStop") == "yes"
        starts = verb != "stop" and self.values.get("RefuseManualStart") == "yes"
        return stops or starts

    def state(self) -> str:
        """Return its state as a part of one line."""
        pid = f", pid {self.pid}" if self.pid else ""
        result, ended = self.values.get("Result", "success"), ""
        if result != "success":
            ended = f", result {result}, exit code {self.values.get('ExecMainStatus')}"
        return f"{self.active} ({self.values.get('SubState')}){pid}{ended}"


def is_ours(unit: str) -> bool:
    """Return True for a unit with the name of the bot or its gateway, also of a template."""
    return unit.rpartition(".")[0].partition("@")[0].lower() in OURSELVES


def unit_of(text: str) -> Unit:
    """Return the unit of the lines `Name=value` of `systemctl show`."""
    pairs = (line.partition("=") for line in text.splitlines())
    return Unit({name: value for name, separator, value in pairs if separator})
