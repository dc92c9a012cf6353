"""Imports point down only, and importing the bot stays light."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


def test_no_module_imports_itself_by_way_of_others():
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ("bot", "handlers", "store")
        for path in (ROOT / package).rglob("*.py")
    }
    imports = {name: set(imported(path, files)) for name, path in files.items()}
    TopologicalSorter(imports).prepare()  # CycleError names the modules of a circle


def imported(path, ours):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in ours else node.module for name in members]
        else:
            continue
        yield from (name for name in names if name in ours)


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
