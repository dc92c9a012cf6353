"""The way to a cluster: address, certificate authority and credentials, read for each call.

A service account's token is replaced every hour, and a kubeconfig when its credentials rotate: so
both are read when they are needed. A kubeconfig that would start a program (`exec`) is refused.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yarl import URL

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.kubernetes_target import SERVICE_ACCOUNT, ClusterTarget
from bot.gateway.executors.remote import UNREACHABLE
from bot.regular_files import read_regular
from bot.yaml_text import YamlProblem, read_yaml


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster's address, its bearer token ('' without one) and how its certificate is read."""

    server: URL
    token: str
    tls: ssl.SSLContext | None


def access_of(target: ClusterTarget, token: str, environ: Mapping[str, str] = os.environ) -> Access:
    """Return the way to the target's cluster; it reads files, so call it in a thread.

    ExecutorError TARGET_UNREACHABLE names the file or the field that cannot be used; never a value.
    """
    try:
        if target.service_account:
            host = environ.get("KUBERNETES_SERVICE_HOST", "")
            port = environ.get("KUBERNETES_SERVICE_PORT", "443")
            if not host:
                raise ValueError("KUBERNETES_SERVICE_HOST is not set: this is no pod")
            server = URL.build(scheme="https", host=host, port=int(port))
            own = read_regular(SERVICE_ACCOUNT / "token").strip()
            return Access(server, own, _tls(read_regular(SERVICE_ACCOUNT / "ca.crt")))
        if target.kubeconfig is not None:
            return _from_kubeconfig(target.kubeconfig, target.context)
        server = URL(target.server)
        ca = read_regular(target.ca_file) if target.ca_file else ""
        return Access(server, token, _tls(ca) if server.scheme == "https" else None)
    except (OSError, ValueError, YamlProblem) as error:
        why = error.strerror or "" if isinstance(error, OSError) else str(error)
        raise ExecutorError(
            UNREACHABLE, f"The cluster's credentials cannot be used: {why}"
        ) from None


def _from_kubeconfig(path: Path, context: str) -> Access:
    value = read_yaml(read_regular(path)).value
    if not isinstance(value, dict):
        raise ValueError("the kubeconfig is not a mapping")
    name = context or str(value.get("current-context") or "")
    chosen = _named(value, "contexts", "context", name)
    cluster = _named(value, "clusters", "cluster", str(chosen.get("cluster")))
    user = _named(value, "users", "user", str(chosen.get("user")))
    if "exec" in user or "auth-provider" in user:
        raise ValueError("the kubeconfig's user starts a program; give a token or a certificate")
    if cluster.get("insecure-skip-tls-verify"):
        raise ValueError("the kubeconfig skips the check of the certificate")
    server = URL(str(cluster.get("server") or ""))
    if server.scheme != "https" or not server.host:
        raise ValueError("the kubeconfig's server is not https://")
    folder = path.parent
    tls = _tls(_content(cluster, "certificate-authority", folder))
    if certificate := _content(user, "client-certificate", folder):
        _present(tls, certificate, _content(user, "client-key", folder))
    token = str(user.get("token") or "")
    if not token and user.get("tokenFile"):
        token = read_regular(folder / str(user["tokenFile"])).strip()
    return Access(server, token, tls)


def _named(config: dict[str, Any], part: str, field: str, name: str) -> dict[str, Any]:
    for entry in config.get(part) or ():
        if isinstance(entry, dict) and entry.get("name") == name:
            value = entry.get(field)
            if isinstance(value, dict):
                return value
    raise ValueError(f"the kubeconfig has no such entry in {part}")


def _content(entry: dict[str, Any], name: str, folder: Path) -> str:
    """Return the PEM text of a field that is given inline (`…-data`) or as a file."""
    if data := entry.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(f"the kubeconfig's {name}-data is not base64 of a PEM text") from None
    return read_regular(folder / str(entry[name])) if entry.get(name) else ""


def _tls(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority or None)
    except ssl.SSLError:
        raise ValueError("the certificate authority is not a PEM certificate") from None


def _present(tls: ssl.SSLContext, certificate: str, key: str) -> None:
    """Give the client's certificate to `tls`, which reads it from files only."""
    with tempfile.TemporaryDirectory(prefix="sopbot-") as folder:  # mode 0700
        pair = Path(folder, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_text(f"{certificate}\n{key}\n", encoding="ascii")
        try:
            tls.load_cert_chain(pair)
        except ssl.SSLError:
            raise ValueError("the client's certificate and key do not fit together") from None
