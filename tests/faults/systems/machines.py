"""Another machine, reached by a real OpenSSH server, and declared commands of an operator."""

from __future__ import annotations

import getpass
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from tests.faults.fault import Fault, State, System
from tests.helpers.gateway_servers import ssh_server

_DAYS = 30 * 86_400


def _files(folder: Path) -> State:
    return {f"file {p.relative_to(folder)}": p.stat().st_size for p in folder.rglob("*")}


@contextmanager
def ssh_hosts() -> Iterator[System]:
    """A folder for each target on the machine that sshd serves; a job that runs away there."""
    with ssh_server() as server, ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sopbot-ssh-")))
        for folder in ("mail/deferred", "mail/sent", "index", "batch"):
            (root / folder).mkdir(parents=True)
        move = 'for letter in "$1"/deferred/*; do mv -- "$letter" "$1/sent/"; done'
        commands: dict[str, tuple[str, list[str]]] = {
            "mail-relay": ("flush", ["sh", "-c", move, "flush", str(root / "mail")]),
            "index-host": ("unlock", ["rm", "-f", "--", str(root / "index" / "write.lock")]),
            "batch-host": ("end-job", ["pkill", "-KILL", "-F", str(root / "batch" / "pid")]),
        }
        login = {
            "executor": "ssh", "host": "127.0.0.1", "port": server.port,
            "user": getpass.getuser(), "key_file": str(server.key),
            "known_hosts": str(server.known_hosts),
        }  # fmt: skip
        jobs: list[subprocess.Popen[bytes]] = []
        stack.callback(lambda: [(job.kill(), job.wait()) for job in jobs])

        def state() -> State:
            return _files(root) | {f"job {job.pid}": job.poll() for job in jobs}

        def run_away() -> None:
            jobs.append(subprocess.Popen([str(shutil.which("sleep")), "600"]))
            (root / "batch" / "pid").write_text(f"{jobs[-1].pid}\n")

        yield System(
            name="ssh",
            targets={
                name: login | {"commands": {command: {"argv": argv}}}
                for name, (command, argv) in commands.items()
            },
            state=state,
            faults=_ssh_faults(root, run_away, lambda: all(j.poll() is not None for j in jobs)),
        )


def _ssh_faults(
    root: Path, run_away: Callable[[], None], is_quiet: Callable[[], bool]
) -> tuple[Fault, ...]:
    def defer() -> None:
        for number in range(20):
            (root / "mail" / "deferred" / f"letter-{number}").write_text("Dear customer")

    def fault(id_: str, what: str, target: str, command: str, sender: str, **more: Any) -> Fault:
        parameters = {"command": command, "values": json.dumps({})}
        return Fault(
            id=id_, what=what, target=target, action="ssh.run", parameters=parameters,
            sender=sender, **more,
        )  # fmt: skip

    return (
        fault(
            "mail-queue-stuck", "Letters stay in the deferred queue", "mail-relay", "flush",
            "nagios", break_it=defer,
            is_healthy=lambda: not list((root / "mail" / "deferred").iterdir()),
            changes=("ssh file mail/*",),
        ),
        fault(
            "index-locked", "A dead indexer left its lock on another machine", "index-host",
            "unlock", "checkmk", break_it=lambda: (root / "index" / "write.lock").touch(),
            is_healthy=lambda: not (root / "index" / "write.lock").exists(),
            changes=("ssh file index/write.lock", "ssh file index"),
        ),
        fault(
            "job-runs-away-elsewhere", "A job runs away on another machine", "batch-host",
            "end-job", "zabbix", break_it=run_away, is_healthy=is_quiet, changes=("ssh job *",),
        ),
    )  # fmt: skip


@contextmanager
def declared_commands() -> Iterator[System]:
    """Objects that own programs repair: a certificate, an index, a cache, dead letters."""
    with tempfile.TemporaryDirectory(prefix="sopbot-commands-") as name:
        root = Path(name)
        (root / "dead").mkdir()
        (root / "live").mkdir()
        _issue(root, days=365)
        with closing(sqlite3.connect(root / "search.db")) as database:
            database.execute("CREATE TABLE items (name TEXT)")
            database.execute("CREATE INDEX by_name ON items (name)")
            database.commit()
        (root / "catalogue.json").write_text('{"items": 3}')
        (root / "cache.json").write_text('{"items": 3}')

        def command(title: str, target: str, program: str, **more: Any) -> dict[str, Any]:
            argv = [sys.executable, "-I", "-c", program, str(root)]
            return {"title": title, "argv": argv, "targets": [target], "risk": "low"} | more

        queue = {"queue": {"pattern": "[a-z]{1,20}"}}
        replay = command("Replay the dead letters", "dead-letters", _REPLAY, parameters=queue)
        replay["argv"] = [*replay["argv"], "{queue}"]
        targets = ("shop-certificate", "search-index", "catalogue-cache", "dead-letters")
        yield System(
            name="command",
            targets={target: {"executor": "command"} for target in targets},
            commands={
                "cert.renew": {
                    "title": "Renew the certificate", "argv": _request(root, 365),
                    "targets": ["shop-certificate"],
                    "verify": {"argv": _check(root)},
                },
                "index.rebuild": command("Rebuild the index", "search-index", _REBUILD),
                "cache.warm": command("Load the cache again", "catalogue-cache", _WARM),
                "letters.replay": replay,
            },
            state=lambda: _files(root),
            faults=_command_faults(root),
        )  # fmt: skip


_REBUILD = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1] + "/search.db") as database:
    database.execute("CREATE INDEX IF NOT EXISTS by_name ON items (name)")
"""
_WARM = (
    "import shutil, sys; shutil.copy(sys.argv[1] + '/catalogue.json', sys.argv[1] + '/cache.json')"
)
_REPLAY = """
import pathlib, sys
root = pathlib.Path(sys.argv[1])
for letter in (root / "dead").glob(sys.argv[2] + "-*"):
    letter.rename(root / "live" / letter.name)
"""


def _openssl() -> str:
    return str(shutil.which("openssl"))


def _request(root: Path, days: int) -> list[str]:
    return [
        _openssl(), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-subj", "/CN=shop.example", "-days", str(days), "-keyout",
        str(root / "cert.key"), "-out", str(root / "cert.pem"),
    ]  # fmt: skip


def _check(root: Path) -> list[str]:
    return [_openssl(), "x509", "-in", str(root / "cert.pem"), "-noout", "-checkend", str(_DAYS)]


def _issue(root: Path, *, days: int) -> None:
    subprocess.run(_request(root, days), check=True, capture_output=True)


def _command_faults(root: Path) -> tuple[Fault, ...]:
    def has_index() -> bool:
        with closing(sqlite3.connect(root / "search.db")) as database:
            return bool(
                database.execute("SELECT 1 FROM sqlite_master WHERE name='by_name'").fetchone()
            )

    def drop_index() -> None:
        with closing(sqlite3.connect(root / "search.db")) as database:
            database.execute("DROP INDEX by_name")
            database.commit()

    def bury() -> None:
        for number in range(10):
            (root / "dead" / f"orders-{number}").write_text("an order")
            (root / "dead" / f"returns-{number}").write_text("not to be replayed")

    def fault(id_: str, what: str, target: str, action: str, sender: str, **more: Any) -> Fault:
        return Fault(id=id_, what=what, target=target, action=action, sender=sender, **more)

    return (
        fault(
            "certificate-expires", "A certificate expires tomorrow", "shop-certificate",
            "cert.renew", "alertmanager", break_it=lambda: _issue(root, days=1),
            is_healthy=lambda: not subprocess.run(_check(root), capture_output=True).returncode,
            changes=("command file cert.*",),
        ),
        fault(
            "index-missing", "The search index is missing", "search-index", "index.rebuild",
            "newrelic", break_it=drop_index, is_healthy=has_index,
            changes=("command file search.db*",),
        ),
        fault(
            "cache-cold", "The cache is empty after a restart", "catalogue-cache", "cache.warm",
            "datadog", break_it=lambda: (root / "cache.json").write_text(""),
            is_healthy=lambda: bool((root / "cache.json").read_text()),
            changes=("command file cache.json",),
        ),
        fault(
            "dead-letters", "Orders wait among the dead letters", "dead-letters",
            "letters.replay", "alertmanager in Slack", parameters={"queue": "orders"},
            break_it=bury, is_healthy=lambda: not list((root / "dead").glob("orders-*")),
            changes=("command file dead/orders-*", "command file live/orders-*",
                     "command file dead", "command file live"),
        ),
    )  # fmt: skip
