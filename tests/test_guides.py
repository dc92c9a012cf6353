"""The guides for newcomers and for trouble name only what the code has, and their examples load."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.gateway.config import load_config
from bot.gateway.intents import read_intent
from bot.policy import read_policy
from bot.sop_files import read_sops
from tests.helpers.documented_names import blocks, is_known, spans, unknown

DOCS = Path(__file__).parents[1] / "docs"
COMING = sorted((DOCS / "coming-from").glob("*.md"))
GUIDES = [*COMING, DOCS / "troubleshooting.md"]


def first_line(block: str) -> str:
    return block.partition("\n")[0]


def examples(language: str, name: str) -> list[pytest.param]:
    """Return the blocks whose first line is the comment `# name`, each with its page."""
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in GUIDES
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8"), language))
        if re.match(f"# {name}", block)
    ]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_names_only_what_the_code_has(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [f"{page.name}:{span.line}: `{span.text}`" for span in unknown(text)]
    assert not wrong, "not in the code, and not in a column called `there`:\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    "name",
    [
        "QPROXY_SOPMAP_PATH",
        "QCHAT_TIMEOUTS",
        "GET /status",
        "POST /alerts/unheard-of",
        "/incident acknowledge INC-1",
        "python -m bot store statuses",
        "python -m bot runbooks lint --folder x",
        "sopbot_alerts",
        "sopbot_made_up_total",
        "remediate.approver",
        "llm.limits.queue",
        "limits.concurrently",
        "deploy/nowhere",
        "make everything",
        "curl -s http://127.0.0.1:8080/ready",
        "dispatch.unknowable",
        "qchat_active_request{x}",
    ],
)
def test_a_name_that_does_not_exist_is_found(name: str) -> None:
    assert not is_known(name)


def test_only_the_columns_of_the_other_system_are_not_looked_up() -> None:
    page = "`a`\n\n| there | here |\n|---|---|\n| `b` | `c\\|d` |\n\n```\n`e`\n```\n| `f` | `g` |\n"
    assert [span.text for span in spans(page)] == ["a", "c|d", "f", "g"]


@pytest.mark.parametrize("block", examples("yaml", "config/policy.yaml"))
def test_an_example_of_a_policy_loads(block: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block)
    read_policy(tmp_path / "policy.yaml")


@pytest.mark.parametrize("block", examples("yaml", "config/gateway.yaml"))
def test_an_example_of_a_gateway_loads(block: str, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(block)
    secrets = dict.fromkeys(re.findall(r"\w+_env: (\w+)", block), "a secret of the examples")
    assert load_config(tmp_path / "gateway.yaml", secrets).targets


@pytest.mark.parametrize("block", examples("json", "config/sops/"))
def test_an_example_of_sops_loads(block: str, tmp_path: Path) -> None:
    (tmp_path / "sops.jsonl").write_text(block)
    library = read_sops(tmp_path)
    assert library.sops
    assert not library.problems


def test_each_guide_for_newcomers_is_in_their_list() -> None:
    linked = (DOCS / "coming-from/README.md").read_text(encoding="utf-8")
    missing = [page.name for page in COMING if page.name != "README.md" and page.name not in linked]
    assert not missing


def test_the_words_of_an_agent_are_understood_as_its_guide_says() -> None:
    text = (DOCS / "coming-from/gateway-agent.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| the words of the agent: (.*?) \|", text, re.MULTILINE)
    actions = [read_intent(intent, "", "web")[0] for intent in re.findall('"([^"]+)"', row)]
    assert actions == ["service.restart", "service.logs", "service.stats", "service.status"]


def test_a_knowledge_base_becomes_runbooks_by_the_program_of_the_guide(tmp_path: Path) -> None:
    (program,) = blocks((DOCS / "coming-from/on-call-agent.md").read_text("utf-8"), "python")
    entry = {
        "title": "Pool is exhausted",
        "description": "No connection is free.",
        "error_patterns": ["too many clients"],
        "solution_steps": ["Find idle sessions", "End them"],
    }
    (tmp_path / "kb.json").write_text(json.dumps([entry, {"title": "Nothing known"}]))
    subprocess.run([sys.executable, "-c", program, "kb.json"], cwd=tmp_path, check=True)
    written = {file.name: file.read_text() for file in (tmp_path / "runbooks").iterdir()}
    assert set(written) == {"pool-is-exhausted.md", "nothing-known.md"}
    for part in ("# Pool is exhausted", "- `too many clients`", "2. End them"):
        assert part in written["pool-is-exhausted.md"]
