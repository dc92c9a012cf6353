"""A real Spark master with its REST server and a worker, from the jars of PyPI's pyspark."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.gateway_servers import daemon
from tests.helpers.ports import kept_port

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 120
# What spark-submit would add on Java 17.
_OPENS = " ".join(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang", "java.lang.invoke", "java.nio", "java.util", "java.util.concurrent",
        "sun.nio.ch",
    )
)  # fmt: skip
PROPERTIES = {
    "spark.driver.extraJavaOptions": _OPENS,
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.cores.max": "1",
    "spark.ui.enabled": "false",
}
MAIN_CLASS = "NightlyEtl"
_JOB = """
import java.nio.file.*;
import java.util.Arrays;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

public class NightlyEtl {
  public static void main(String[] args) throws Exception {
    JavaSparkContext spark = new JavaSparkContext(new SparkConf());
    long rows = spark.parallelize(Arrays.asList(1, 2, 3)).count();
    Path lock = Paths.get(args[0], "lock-" + spark.appName());
    while (Files.exists(lock)) Thread.sleep(100);
    if (args[1].equals("fail")) throw new IllegalStateException("no such day");
    Files.write(Paths.get(args[0], "rows-" + args[1]), String.valueOf(rows).getBytes());
    spark.stop();
  }
}
"""
"""Counts three rows, waits as long as there is a file `lock-` of its own name, writes a file."""


def spark_home() -> Path | None:
    """Return the folder of pyspark that `make spark` installed, None without one."""
    return next(iter((_ROOT / ".spark").glob("lib/python*/site-packages/pyspark")), None)


def missing() -> str:
    """Return what a cluster lacks on this machine, '' if it can run."""
    if spark_home() is None:
        return "no Spark on this machine (make spark)"
    absent = [program for program in ("java", "javac", "jar") if not shutil.which(program)]
    return f"no {absent[0]} on this machine" if absent else ""


@dataclass(frozen=True)
class SparkCluster:
    """A running master and worker; `jar` has the job, `folder` is for its files."""

    url: str
    rest_url: str
    jar: Path
    folder: Path

    def state(self) -> dict[str, Any]:
        """Return the master's own JSON."""
        state: dict[str, Any] = _json_of(f"{self.url}/json/")
        return state

    def wait(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the master's state fits."""
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                state = self.state()
                if condition(state):
                    return state
            except OSError:
                state = {}
            if time.monotonic() > end:
                raise RuntimeError(f"the Spark master does not get there: {state}")
            time.sleep(0.2)

    def job(self) -> dict[str, Any]:
        """Return the job's declaration for the gateway."""
        return {
            "name": "etl",
            "resource": self.jar.as_uri(),
            "main_class": MAIN_CLASS,
            "args": [str(self.folder), "{day}"],
            "properties": PROPERTIES,
            "parameters": {"day": {"pattern": "[a-z0-9]{1,20}"}},
            "until": "finished",
            "seconds": _START_SECONDS,
        }

    def target(self, **changes: Any) -> dict[str, Any]:
        """Return a target of the gateway."""
        return {
            "executor": "spark",
            "url": self.url,
            "rest_url": self.rest_url,
            "applications": ["etl.*"],
            "main_classes": [MAIN_CLASS],
            "jobs": {"etl": self.job()},
        } | changes

    def submit(self, name: str, day: str) -> str:
        """Submit the job as a scheduler would, and return its driver's id."""
        body = {
            "action": "CreateSubmissionRequest",
            "appArgs": [str(self.folder), day],
            "appResource": self.jar.as_uri(),
            "clientSparkVersion": "3.5.9",
            "environmentVariables": {},
            "mainClass": MAIN_CLASS,
            "sparkProperties": PROPERTIES
            | {
                "spark.app.name": name,
                "spark.jars": self.jar.as_uri(),
                "spark.master": self.state()["url"],
                "spark.submit.deployMode": "cluster",
            },
        }
        answer = _json_of(f"{self.rest_url}/v1/submissions/create", json.dumps(body).encode())
        return str(answer["submissionId"])


def _json_of(url: str, body: bytes | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return json.load(answer)


@contextmanager
def spark_cluster() -> Iterator[SparkCluster]:
    """A master and a worker on loopback, until the block ends."""
    home = spark_home()
    if home is None:
        raise RuntimeError(missing())
    folder = Path(tempfile.mkdtemp(prefix="sopbot-spark-"))
    java = ["java", "-Xmx256m", "-cp", f"{home}/jars/*"]
    try:
        with ExitStack() as stack:
            rpc, page, rest, worker = (stack.enter_context(kept_port()) for _ in range(4))
            jar = _compiled(home, folder)
            stack.enter_context(_environment(SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1",
                                             SPARK_SCALA_VERSION="2.12"))  # fmt: skip
            master = [
                *java, "-Dspark.master.rest.enabled=true", f"-Dspark.master.rest.port={rest}",
                "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1",
                "--port", str(rpc), "--webui-port", str(page),
            ]  # fmt: skip
            stack.enter_context(daemon(master, page, folder / "master.log"))
            argv = [
                *java, "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
                "--webui-port", str(worker), "-c", "2", "-m", "2g", "-d", str(folder / "work"),
                f"spark://127.0.0.1:{rpc}",
            ]  # fmt: skip
            stack.enter_context(daemon(argv, worker, folder / "worker.log"))
            cluster = SparkCluster(
                f"http://127.0.0.1:{page}", f"http://127.0.0.1:{rest}", jar, folder
            )
            cluster.wait(lambda state: state["aliveworkers"] == 1)
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _compiled(home: Path, folder: Path) -> Path:
    """Compile the job and return its jar."""
    (folder / f"{MAIN_CLASS}.java").write_text(_JOB)
    for argv in (
        ["javac", "-cp", f"{home}/jars/*", f"{MAIN_CLASS}.java"],
        ["jar", "cf", "job.jar", f"{MAIN_CLASS}.class"],
    ):
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    return folder / "job.jar"
