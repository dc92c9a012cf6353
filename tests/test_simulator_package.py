"""The local Slack can be lifted out of this repository, and the rest uses its public names only."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bot import simulator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bot/simulator"
OUTSIDE = [
    file
    for folder in ("bot", "handlers", "store", "tests", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if PACKAGE not in file.parents
]


def requirements(name):
    lines = (PACKAGE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line[:1].isalpha()]


def needed(lines):
    """The installed distributions that these requirements name, and those that they need."""
    result, waiting = {}, [Requirement(line) for line in lines]
    while waiting:
        requirement = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", requirement.name).lower(), frozenset(requirement.extras))
        if key in result:
            continue
        try:
            result[key] = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # optional, or for another platform
        for line in result[key].requires or ():
            child = Requirement(line)
            extras = requirement.extras or {""}
            if not child.marker or any(child.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(child)
    return result.values()


@pytest.fixture(scope="module")
def lifted(tmp_path_factory):
    """An empty folder with the package under another name, and a Python with its needs alone."""
    folder = tmp_path_factory.mktemp("elsewhere")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "local_slack", ignore=ignored)
    environment = folder / ".venv"
    venv.create(environment, symlinks=True, with_pip=False)
    (packages,) = environment.glob("lib/python*/site-packages")
    lines = requirements("requirements.txt") + requirements("tests/requirements.txt")
    for expected in needed(lines):
        for entry in {Path(file).parts[0] for file in expected.files or ()} - {"..", "__pycache__"}:
            if not (packages / entry).exists():
                (packages / entry).symlink_to(Path(expected.locate_file(entry)).resolve())
    return folder


def python(folder, *arguments):
    """Run the copy's own Python in its folder; nothing of this environment reaches it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONSAFEPATH": ""}
    return subprocess.run(
        [folder / ".venv/bin/python", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.unmeasured
def test_a_copy_in_an_empty_folder_starts_and_passes_its_tests(lifted):
    ours = "import bot"
    assert "No module named 'bot'" in python(lifted, "-c", ours).stderr, "it must stand alone"
    assert "python -m local_slack" in python(lifted, "-m", "local_slack", "--help").stdout
    texts = ["test_command_line", "test_bolt", "test_webhooks", "test_lifting_out", "test_readme"]
    files = [f"local_slack/tests/{name}.py" for name in texts]
    done = python(lifted, "-m", "pytest", "-q", *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\d{2,} passed", done.stdout), done.stdout


def test_the_copy_asks_for_the_versions_that_the_bot_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    lines = requirements("requirements.txt") + requirements("tests/requirements.txt")
    assert set(lines) <= declared, sorted(set(lines) - declared)


def imports_of_the_simulator(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if "bot.simulator" in alias.name)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("bot.simulator"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_rest_imports_the_public_names_of_the_local_slack_only():
    public = {f"bot.simulator.{name}" for name in simulator.__all__}
    inner = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in OUTSIDE
        for name in imports_of_the_simulator(file)
        if name not in public
    ]
    assert not inner, f"export it from bot/simulator/__init__.py, or do without: {inner}"
