"""An operator's files, for the demo's one service."""

import json
import os
import shutil
import sys
from pathlib import Path

import yaml

from bot.demo.advisor import NAME as ADVISOR_NAME
from bot.demo.children import ROOT
from bot.example_files import CONFIG

SERVICE = "checkout-api"
SOP_ID = "checkout_health"
SECRET_NAME = "DEMO_GATEWAY_SECRET"  # noqa: S105 - the name of a variable


def write_files(folder: Path, *, service_url: str, approvers: list[str]) -> None:
    """Write policy.yaml, gateway.yaml, task_instructions.md and sops/ to `folder`."""
    _yaml(
        folder / "policy.yaml",
        {
            "remediate": {
                "approvers": approvers,
                "approvals_required": 1,
                "verify_deadline_seconds": 60,
                "verify_good_probes": 2,
                # The service fails again sooner than a real service should be restarted.
                "actions": {"service.restart": {"cooldown_seconds": 60}},
            }
        },
    )
    port = service_url.rpartition(":")[2]
    _yaml(
        folder / "gateway.yaml",
        {
            "listen": {"host": "127.0.0.1", "port": 0},
            "state_dir": str(folder / "gateway-state"),
            "sources": {"sopbot-demo": {"secret_env": SECRET_NAME}},
            "limits": {"drain_seconds": 5},
            "targets": {
                SERVICE: {
                    "executor": "process",
                    "environment": "production",
                    "argv": [Path(sys.executable).name, "-m", "bot.demo.service", "--port", port],
                    "env": {"PYTHONPATH": str(ROOT)},
                    "health_url": f"{service_url}/healthz",
                    "start_seconds": 15,
                }
            },
        },
    )
    sops = folder / "sops"
    sops.mkdir()
    (sops / "checkout.jsonl").write_text(json.dumps(_sop(service_url)) + "\n", encoding="utf-8")
    shutil.copy(CONFIG / "task_instructions.md", folder)


def advisor_argv(folder: Path) -> list[str]:
    """Return the demo advisor's command. People read the name of its program."""
    named = folder / ADVISOR_NAME
    named.symlink_to(sys.executable)
    return [os.fspath(named), "-I", os.fspath(Path(__file__).with_name("advisor.py"))]


def _sop(service_url: str) -> dict[str, object]:
    return {
        "sop_id": SOP_ID,
        "keys": [f"svc:{SERVICE}", "cat:availability", "env:prod"],
        "priority": "HIGH",
        "title": "checkout-api fails its health check",
        "command": [f"Look at {service_url}/metrics: is checkout_held_bytes over its limit?"],
        "metric": ["checkout_held_bytes"],
        "parameter": ["Usual cause: a memory leak"],
        "fix_action": [
            "Restart {{service_name}}; orders are not kept in it, so none is lost.",
            "Tell the shop's developers: the list of receipts is never emptied.",
        ],
        "runbook": f"{service_url}/runbook",
        "actions": [
            {
                "action": "service.restart",
                "parameters": {
                    "target": "{{service_name}}",
                    "grace_seconds": 2,
                    "probe_url": f"{service_url}/healthz",
                },
            }
        ],
    }


def _yaml(path: Path, value: object) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
