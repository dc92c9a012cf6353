"""`make mutants`: remove one behaviour at a time and see whether a test notices.

`python -m tests.mutants [WORDS …]` runs the mutants whose description contains all the words.
Prints a line each and fails when one survives, or when one is stale.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant, Stale, mutated

ROOT = Path(__file__).parents[2]
WORKERS = os.cpu_count() or 1
LONGEST = 300  # seconds of one mutant's tests
MEMORY = 8 * 2**20  # KiB that they may allocate: a mutant may loop and remember without end
FAILED, PASSED = 1, 0


def main(filters: list[str]) -> int:
    """Run the chosen mutants; returns 1 if one is not killed."""
    chosen = [mutant for mutant in MUTANTS if all(word in str(mutant) for word in filters)]
    trees: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for number in range(WORKERS):
            trees.put(copied(Path(folder) / str(number)))
        with ThreadPoolExecutor(WORKERS) as pool:
            fates = list(pool.map(lambda mutant: fate_reported(mutant, trees), chosen))
    left = [mutant for mutant, fate in zip(chosen, fates, strict=True) if fate != "killed"]
    print(f"{len(chosen) - len(left)} of {len(chosen)} killed")
    return 1 if left else 0


def copied(folder: Path) -> Path:
    """The files of the repository as they are now, in a folder of their own."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for file in files:
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
    return folder


def fate_reported(mutant: Mutant, trees: SimpleQueue[Path]) -> str:
    """Run the mutant, print its fate and return it."""
    tree = trees.get()
    try:
        fate = fate_of(mutant, tree)
    finally:
        trees.put(tree)
    print(f"{fate:<9} {mutant}", flush=True)
    return fate


def fate_of(mutant: Mutant, tree: Path) -> str:
    """`killed` when a test fails, `survived` when none does, else why it could not be tried."""
    file = tree / mutant.path
    source = file.read_text("utf-8")
    try:
        file.write_text(mutated(mutant, source), "utf-8")
    except Stale as error:
        return f"stale ({error})"
    try:
        code = run_tests(tree, mutant.tests.split())
    finally:
        file.write_text(source, "utf-8")
    return {FAILED: "killed", PASSED: "survived"}.get(code, f"not run (pytest ended with {code})")


def run_tests(tree: Path, tests: list[str]) -> int:
    """The exit code of pytest on these tests."""
    limited = ["sh", "-c", f'ulimit -v {MEMORY}; exec "$@"', "sh"]
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "--store", "sqlite", *tests]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    try:
        return subprocess.run(
            limited + pytest,
            cwd=tree,
            check=False,
            capture_output=True,
            timeout=LONGEST,
            env=clean | {"PYTHONDONTWRITEBYTECODE": "1"},
        ).returncode
    except subprocess.TimeoutExpired:
        return FAILED  # it waits for what does not happen any more


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
