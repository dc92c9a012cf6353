"""Processes that the gateway supervises, each a small HTTP service with a fault of its own."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fault import Fault, State, System
from tests.helpers.ports import kept_port

_PROGRAM = Path(__file__).parents[1] / "programs" / "ill_service.py"


@dataclass(frozen=True)
class _Service:
    """One of the processes, seen from outside."""

    name: str
    port: int
    folder: Path

    @property
    def pid(self) -> int:
        """Return its id, 0 if it does not run."""
        file = self.folder / self.name
        pid = int(file.read_text() or 0) if file.exists() else 0
        return pid if pid and Path(f"/proc/{pid}").exists() and not _is_zombie(pid) else 0

    def answer(self, path: str = "/health", *, method: str = "GET") -> int:
        """Return the status of a request, 0 without an answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=1) as response:  # noqa: S310 - our own URL
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def falls_ill(self, path: str) -> Callable[[], None]:
        def break_it() -> None:
            self.answer(path, method="POST")

        return break_it

    def gets(self, number: int) -> Callable[[], None]:
        def break_it() -> None:
            os.kill(self.pid, number)

        return break_it

    def is_healthy(self) -> bool:
        return self.answer() == 200

    def is_stopped(self) -> bool:
        return not self.pid and not self.answer()

    def target(self) -> dict[str, object]:
        argv = [sys.executable, "-S", "-E", str(_PROGRAM), str(self.port)]
        return {
            "executor": "process",
            "argv": [*argv, str(self.folder / self.name)],
            "health_url": f"http://127.0.0.1:{self.port}/health",
        }


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@contextmanager
def processes() -> Iterator[System]:
    """The services; the gateway starts and ends them."""
    names = (
        "checkout-api",
        "invoice-api",
        "mail-worker",
        "search-api",
        "image-api",
        "report-batch",
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sopbot-pids-")))
        services = {n: _Service(n, stack.enter_context(kept_port()), folder) for n in names}

        def state() -> State:
            return {f"process {name}": service.pid for name, service in services.items()}

        yield System(
            name="process",
            targets={name: service.target() for name, service in services.items()},
            state=state,
            faults=_faults(services),
            is_ready=lambda: all(service.is_healthy() for service in services.values()),
        )


def _faults(services: dict[str, _Service]) -> tuple[Fault, ...]:
    def fault(
        id_: str,
        what: str,
        target: str,
        break_it: Callable[[], None],
        sender: str,
        action: str = "service.restart",
    ) -> Fault:
        service = services[target]
        stops = action == "service.stop"
        return Fault(
            id=id_,
            what=what,
            target=target,
            action=action,
            parameters={} if action == "service.start" else {"grace_seconds": 1},
            sender=sender,
            break_it=break_it,
            is_healthy=service.is_stopped if stops else service.is_healthy,
            changes=(f"process process {target}",),
        )

    return (
        fault(
            "process-leaks", "A process leaks memory", "checkout-api",
            services["checkout-api"].falls_ill("/leak"), "alertmanager",
        ),
        fault(
            "process-hangs", "A process hangs and answers nothing", "invoice-api",
            services["invoice-api"].gets(signal.SIGSTOP), "nagios",
        ),
        fault(
            "process-exited", "A process was killed and is gone", "mail-worker",
            services["mail-worker"].gets(signal.SIGKILL), "zabbix", "service.start",
        ),
        fault(
            "process-out-of-descriptors", "A process has no file descriptor left", "search-api",
            services["search-api"].falls_ill("/files"), "grafana",
        ),
        fault(
            "process-ignores-sigterm", "A process is wedged and ignores SIGTERM", "image-api",
            services["image-api"].falls_ill("/deaf"), "datadog",
        ),
        fault(
            "process-runs-away", "A batch process runs away and must stop", "report-batch",
            services["report-batch"].falls_ill("/runaway"), "checkmk", "service.stop",
        ),
    )  # fmt: skip
