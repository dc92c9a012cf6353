"""Every imported package is declared; none comes in by accident with another package."""

import ast
import re
import sys
import tomllib
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"bot", "handlers", "store", "tests", "benchmarks"}


def name(requirement):
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower()


NEEDED = {name(requirement) for requirement in PROJECT["dependencies"]}
POSTGRES = {name(requirement) for requirement in PROJECT["optional-dependencies"]["postgres"]}
NATS = {name(requirement) for requirement in PROJECT["optional-dependencies"]["nats"]}
OTEL = {name(requirement) for requirement in PROJECT["optional-dependencies"]["otel"]}
QDRANT = {name(requirement) for requirement in PROJECT["optional-dependencies"]["qdrant"]}
ACP = {name(requirement) for requirement in PROJECT["optional-dependencies"]["acp"]}
RETRIEVAL = {name(requirement) for requirement in PROJECT["optional-dependencies"]["retrieval"]}
GATEWAY = {
    name(requirement)
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra.startswith("gateway-")
    for requirement in requirements
}
OPTIONAL = ACP | OTEL | POSTGRES | NATS | QDRANT | RETRIEVAL | GATEWAY
READ_AS_DATA = {"wordllama"}  # the files in its wheel are read; its code never runs
DEV = {name(requirement) for requirement in PROJECT["optional-dependencies"]["dev"]}


def python_files(folders):
    """Files of these folders, without tests that a package keeps beside its code."""
    for folder in map(ROOT.joinpath, folders):
        for file in folder.rglob("*.py"):
            if "tests" not in file.relative_to(folder).parts:
                yield file


def imported(*folders):
    """The distributions whose modules the Python files of these folders import."""
    modules = set()
    for file in python_files(folders):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(str(node.module))
    packages = packages_distributions()
    ours = OURS | sys.stdlib_module_names
    outside = {module for module in modules if module.partition(".")[0] not in ours}
    return {distribution_of(module, packages).lower().replace("_", "-") for module in outside}


def distribution_of(module, packages):
    """The distribution that brings this module: several may share its first name."""
    candidates = packages[module.partition(".")[0]]
    if len(candidates) == 1:
        return candidates[0]
    path = module.replace(".", "/")
    return next(
        candidate
        for candidate in candidates
        if any(str(file).startswith((f"{path}/", f"{path}.py")) for file in files(candidate) or ())
    )


def test_everything_that_the_application_imports_is_declared():
    undeclared = imported("bot", "handlers", "store") - NEEDED - OPTIONAL
    assert not undeclared, f"add to dependencies in pyproject.toml: {sorted(undeclared)}"


def test_everything_that_the_tests_import_is_declared():
    undeclared = imported("tests", "bot/simulator/tests", "benchmarks") - NEEDED - OPTIONAL - DEV
    assert not undeclared, f"add to the dev extra in pyproject.toml: {sorted(undeclared)}"


def test_nothing_is_declared_that_nobody_imports():
    idle = (NEEDED | OPTIONAL) - imported("bot", "handlers", "store") - READ_AS_DATA
    assert not idle, f"take out of pyproject.toml: {sorted(idle)}"


@pytest.mark.parametrize(
    "file",
    [
        "requirements.txt",
        "requirements-postgres.txt",
        "requirements-nats.txt",
        "requirements-acp.txt",
        "requirements-otel.txt",
        "requirements-qdrant.txt",
        "requirements-gateway.txt",
        "requirements-retrieval.txt",
        "requirements-dev.txt",
    ],
)
def test_what_is_declared_is_pinned_with_hashes_and_without_an_address(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==", text, re.MULTILINE))
    extras = {
        "postgres": POSTGRES,
        "nats": NATS,
        "acp": ACP,
        "otel": OTEL,
        "qdrant": QDRANT,
        "gateway": GATEWAY | POSTGRES,
        "retrieval": RETRIEVAL,
        "dev": OPTIONAL | DEV,
    }
    declared = NEEDED | extras.get(file.removesuffix(".txt").partition("-")[2], set())
    assert declared <= pinned, f"run `make lock`: {sorted(declared - pinned)} not in {file}"
    assert "://" not in text, "the address of an index has no place here"
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
