"""Imports point down only, and importing the bot stays light."""

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


def test_a_wrong_setting_is_told_before_the_slack_sdk_loads():
    heavy = ("slack", "sqlite_utils", "apscheduler")
    code = f"import sys, bot.__main__; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]", "bot/__main__.py must import heavy parts inside _run"


def test_the_bot_does_not_load_the_local_slack_or_its_templates():
    rooms = ("bot.simulator", "jinja2", "bot.demo", "bot.gateway")
    code = f"import sys, bot.app; print([m for m in sys.modules if m.startswith({rooms})])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_cryptography_loads_only_when_a_signature_is_checked():
    code = "import sys, bot.app, bot.demo; print([m for m in sys.modules if 'cryptography' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_word_vectors_load_only_when_runbooks_are_searched():
    heavy = ("tokenizers", "safetensors", "wordllama")  # sqlite_utils loads numpy by itself
    code = f"import sys, bot.app; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
