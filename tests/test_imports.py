"""Imports point down only, and importing the bot stays light."""

import json
import subprocess
import sys


def test_the_import_rules_of_the_house_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, (
        f"run `.venv/bin/lint-imports`, it names the import:\n{done.stdout[-3000:]}"
    )


def test_the_bot_package_itself_imports_nothing():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; old = set(sys.modules); import bot; print(sorted(set(sys.modules) - old))",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "['bot']", "bot/__init__.py is empty by design"


def loaded_with(modules: str, heavy: tuple[str, ...]) -> list[str]:
    """Return the modules of these families that a new process loads with `modules`."""
    code = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return [name for name in json.loads(done.stdout) if f"{name}.".startswith(heavy)]


def test_a_wrong_setting_is_told_before_the_slack_sdk_loads():
    heavy = ("slack_", "sqlite_utils.", "apscheduler.")
    assert loaded_with("bot.__main__", heavy) == [], "import heavy parts inside _run"


def test_the_bot_loads_only_what_it_always_needs():
    of_others = ("bot.simulator.", "jinja2.", "bot.gateway.")
    when_needed = (
        "cryptography.",
        "sqlite_utils.",
        "numpy.",
        "tokenizers.",
        "safetensors.",
        "wordllama.",
        "opentelemetry.",
        "qdrant_client.",
        "google.",
    )
    of_developers = ("rich.", "pygments.", "click.", "pluggy.", "psutil.")
    heavy = (*of_others, *when_needed, *of_developers)
    assert loaded_with("bot.app", (*heavy, "bot.demo.")) == []
    assert "cryptography" not in loaded_with("bot.app, bot.demo", ("cryptography.",))
