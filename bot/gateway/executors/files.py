"""Files of a declared folder: removes old ones, and reports on them. No link is followed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import ExecutorError, GatewayError, NotAllowed
from bot.gateway.executors import Call, Check, Kind, Result, Setup, failed, succeeded
from bot.gateway.executors.file_walk import Stop, Tally, Walk
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import REFUSED, TOO_MUCH, label, size_text
from bot.gateway.parts import Target
from bot.remediation.contract import Plan, PlannedRequest
from bot.validation import form

_SLACK_SECONDS = 10


def _absolute(value: Path) -> Path:
    if not value.is_absolute() or ".." in value.parts or len(value.parts) < 3:
        raise ValueError("must be an absolute path without .., at least two folders deep")
    return value


FileGlob = Annotated[
    str,
    form(r"[^/\0]{1,100}", "must be the name of a file, in which '*' and '?' stand for any text"),
]


class FilesTarget(Target):
    """A folder, and the files in it and in its folders that may be removed."""

    executor: Literal["files"]
    root: Annotated[Path, AfterValidator(_absolute)]
    globs: list[FileGlob] = Field(min_length=1, max_length=50)
    min_age_seconds: int = Field(default=3600, ge=0, le=315_360_000)
    max_files: int = Field(default=10_000, ge=1, le=1_000_000)
    scan_seconds: int = Field(default=60, ge=1, le=3600)


class CleanParameters(Parameters):
    """Selects the files: old enough, and with a name that a declared glob fits."""

    older_than_seconds: int = Field(
        default=86_400, ge=0, le=315_360_000, description="not changed for so long"
    )


CLEAN = Action(
    id="files.remove",
    verb="remove",
    title="Remove old files of the folder",
    mutating=True,
    parameters=CleanParameters,
    risk="high",
    blast="the removed files are lost; a program that needs one of them fails",
    verified_by="the gateway counts the removed files and the free space",
    cancellable=True,
)
REPORT = Action(
    id="files.report",
    verb="report",
    title="Report the files and the free space of the folder",
    mutating=False,
    risk="low",
)


class FilesExecutor:
    """Acts only below the declared folder, by file descriptors of folders that it opened itself."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    async def start(self) -> None:
        """Nothing is kept open."""

    async def stop(self) -> None:
        """Nothing is kept open."""

    async def exchange(self, setup: Setup) -> None:
        """Replace the targets."""
        self._setup = setup

    async def check(self) -> Check | None:
        """Return None: each target is a folder of its own."""
        return None

    async def check_target(self, name: str) -> Check:
        """Open the folder."""
        try:
            with await asyncio.to_thread(_walk, self._setup.targets[name], 0):
                return Check(True, f"{name}: can be read")
        except GatewayError as error:
            return Check(False, f"{name}: {error}")

    async def plan(self, call: Call) -> Plan:
        """Count the files and their space. The plan is bound to the folder, not to each file."""
        target = cast("FilesTarget", call.config)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="files",
            parameters=dict(call.parameters),
            display=f"count the files of {target.root}",
            request=PlannedRequest(method="SCAN", path=str(target.root)),
            mutating=call.action.mutating,
            deadline_seconds=target.scan_seconds + _SLACK_SECONDS,
        )
        if not base.mutating:
            return base
        age = _age(call)
        tally, folder, _ = await _in_thread(target, age, remove=False)
        if not tally.complete:
            why = f"The files of {call.target} cannot be counted in {target.scan_seconds} s"
            raise ExecutorError(TOO_MUCH, why)
        if tally.files > target.max_files:
            raise ExecutorError(
                TOO_MUCH,
                f"More than {target.max_files:,} files of {call.target} match, and the target "
                "allows no more at once",
            )
        names = " or ".join(map(label, target.globs))
        return base.model_copy(
            update={
                "display": f"remove files {names} below {target.root}, unchanged for {age} s",
                "request": PlannedRequest(method="UNLINK", path=str(target.root)),
                "steps": (
                    "follow no link, stay on the folder's own file system",
                    "remove each file that is old enough at that moment; keep every folder",
                ),
                "binding": {"folder": folder, "globs": list(target.globs)},
                "touches": (
                    f"{tally.files:,} files, {size_text(tally.bytes)}",
                    *(f"{label(path)} ({size_text(size)})" for path, size in tally.largest),
                ),
                "current": {"files": tally.files},
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Walk the folder and remove each file that matches at that moment."""
        target = cast("FilesTarget", call.config)
        if not plan.mutating:
            tally, _, free = await _in_thread(target, 0, remove=False)
            largest = [f"  {label(p)}: {size_text(size)}" for p, size in tally.largest]
            return succeeded(
                "\n".join(
                    [
                        f"{tally.files:,} files that may be removed, {size_text(tally.bytes)}",
                        f"free: {size_text(free)}",
                        *largest,
                    ]
                )
            )
        removed, _, free = await _in_thread(
            target, _age(call), remove=True, folder=str(plan.binding["folder"])
        )
        done = (
            f"{call.target}: removed {removed.files:,} files, {size_text(removed.bytes)}; "
            f"{size_text(free)} are free"
        )
        if not removed.complete:
            return failed(f"{done}; stopped after {target.scan_seconds} s")
        if removed.problems:
            return failed(f"{done}; {'; '.join(map(label, removed.problems[:5]))}")
        return succeeded(done)


def _age(call: Call) -> int:
    target = cast("FilesTarget", call.config)
    age = int(call.parameters["older_than_seconds"])
    if age < target.min_age_seconds:
        raise NotAllowed(
            REFUSED, f"{call.target} allows only files that are {target.min_age_seconds} s old"
        )
    return age


def _walk(target: FilesTarget, age: int) -> Walk:
    try:
        return Walk(
            target.root,
            tuple(target.globs),
            age,
            most=target.max_files,
            seconds=target.scan_seconds,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExecutorError(REFUSED, f"{target.root} cannot be opened: {reason}") from error


async def _in_thread(
    target: FilesTarget, age: int, *, remove: bool, folder: str = ""
) -> tuple[Tally, str, int]:
    """Return the counted or removed files, the folder's identity and the free bytes.

    A cancelled walk ends after the file it is at.
    """
    loop = asyncio.get_running_loop()
    stop = Stop()

    def progress(tally: Tally) -> None:
        text = f"removed {tally.files:,} files, {size_text(tally.bytes)}"
        loop.call_soon_threadsafe(lambda: report_progress(text, done=tally.files))

    def work() -> tuple[Tally, str, int]:
        with _walk(target, age) as walk:
            if folder and walk.identity != folder:
                raise ExecutorError("PLAN_DRIFT", f"{target.root} is another folder by now")
            tally = walk.remove(stop, progress) if remove else walk.count(stop)
            return tally, walk.identity, walk.free_bytes()

    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.now = True
        tally, _, _ = await task
        if remove:
            raise stop.cancelled(tally) from None
        raise


KIND = Kind(name="files", target=FilesTarget, actions=(CLEAN, REPORT), build=FilesExecutor)
