"""Self-signed certificates for servers of the tests on 127.0.0.1."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def make_certificate(folder: Path) -> None:
    """Write `cert.pem`, valid for two days, and its `key.pem` into the folder. Blocks."""
    openssl = shutil.which("openssl") or "openssl"
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", "key.pem", "-out", "cert.pem")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
        cwd=folder,
        check=True,
        capture_output=True,
    )
