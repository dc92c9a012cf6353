"""A real PostgreSQL for tests: a server of our own, a fresh database for each who asks."""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from store.engines.postgres_schema import migrate
from tests.helpers.ports import kept_port

USER = "sopbot"
UNPRIVILEGED = "postgres"  # Debian's own user for it: a server refuses to run as root
TEMPLATE = "sopbot_template"
# Kills of processes are what the tests are about, not of the machine: nothing need reach the disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def programs() -> Path | None:
    """The folder of initdb and postgres; None when they are not on this machine."""
    path = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
    if path:
        return path[-1].parent
    here = shutil.which("postgres")
    return Path(here).resolve().parent if here else None


def _version(path: Path) -> int:
    name = path.parents[1].name
    return int(name) if name.isdigit() else 0


class PostgresServer:
    """One server on a free port of this machine. Everybody on this machine may come in."""

    def __init__(self, folder: Path, bin_folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._bin = bin_folder
        self._settings = settings
        self._names = (f"t{number}" for number in itertools.count())
        self.port = 0

    @property
    def url(self) -> str:
        """The server's own database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """STORE_URL for a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def database(self, *, migrated: bool = True) -> str:
        """The URL of a new database, with the present schema."""
        name = next(self._names)
        self._create(name, TEMPLATE if migrated else "template0")
        return self.url_of(name)

    def make_template(self) -> None:
        """The migrated template that `database` copies."""
        self._create(TEMPLATE, "template0")
        with ThreadPoolExecutor(1) as aside:  # whoever asks may have a loop of their own
            aside.submit(asyncio.run, migrate(self.url_of(TEMPLATE), "the template")).result()

    def _create(self, name: str, template: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )

    def drop(self, url: str) -> None:
        """Forget a database, whoever is connected."""
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def start(self) -> None:
        """Start it, and wait until it lets people in."""
        fields = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "100",
            **self._settings,
        }
        options = " ".join(f"-c {name}={value}" for name, value in fields.items())
        self._control("start", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends connections in order, `immediate` as a crash does."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port."""
        self.stop(mode)
        self.start()

    def prepare(self) -> None:
        """Make its files."""
        self._run(
            "initdb", "-D", "data", "-U", USER, "-A", "trust", "--no-sync", "--locale=C.UTF-8"
        )

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "60", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=self.folder,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {done.stdout}{log.read_text() if log.exists() else ''}")


# Forgets every row, and counts from 1 again: a tenth of the work of another database. TRUNCATE
# gives each table and index new files, also where there was nothing to forget.
EMPTY = """
DO $$
DECLARE it text; full_one boolean;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true); -- no foreign key, no trigger
    FOR it IN SELECT quote_ident(tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename != 'sopbot_migrations'
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || it || ')' INTO full_one;
        IF full_one THEN EXECUTE 'DELETE FROM ' || it; END IF;
    END LOOP;
    PERFORM setval(quote_ident(sequencename)::regclass, start_value, false) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""


# A process that a test killed may still be in the middle of a statement here.
OTHERS_LEAVE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()
"""


@contextmanager
def postgres_server(settings: dict[str, str] | None = None) -> Iterator[PostgresServer]:
    """A server in a folder of its own until the block ends; needs `programs()`."""
    bin_folder = programs()
    assert bin_folder is not None, "no PostgreSQL on this machine (make services)"
    folder = Path(tempfile.mkdtemp(prefix="sopbot-pg-"))
    try:
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = PostgresServer(folder, bin_folder, FAST | (settings or {}))
        with kept_port() as server.port:
            server.prepare()
            server.start()
            try:
                server.make_template()
                yield server
            finally:
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
