"""The programs of deploy/compose.yaml that Debian carries, with the files of deploy/, together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT

NAMES = ("bot", "gateway", "prometheus", "alertmanager", "postgres", "localhost")
# A network of its own, in which each name of Compose's network is this machine.
INSIDE = """
set -eu
ip link set lo up
mount --bind "$1/hosts" /etc/hosts
mount -t tmpfs tmpfs /run
mkdir /run/secrets
exec "$2" -m tests.deploy.stack "$1"
"""


@pytest.mark.installs
@pytest.mark.services("prometheus", "prometheus-alertmanager", "unshare", "ip")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a network of its own")
def test_an_alert_goes_from_alertmanager_to_an_incident_with_the_files_of_deploy(
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts").write_text(f"127.0.0.1 {' '.join(NAMES)}\n")
    tmp_path.chmod(0o755)
    done = subprocess.run(
        ["/usr/bin/unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         "sh", "-c", INSIDE, "inside", tmp_path, sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("the alert became an incident\n")
