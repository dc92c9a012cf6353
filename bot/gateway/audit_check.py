"""`python -m bot.gateway audit verify FILE…`: checks the chain of audit files."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bot.gateway.audit import FIRST, LINE_LIMIT_BYTES, AuditEvent, Head, entry_of, hash_of
from bot.remediation.contract import printable

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass
class Chain:
    """The state of a check: the last good line, and the executions without an end."""

    head: Head = field(default_factory=Head)
    first: int = 0
    entries: int = 0
    begun: dict[str, str] = field(default_factory=dict)
    noted: str = ""
    has_noted: bool = True
    problem: str = ""


def verify(files: Sequence[Path], noted: str = "") -> Chain:
    """Check the lines of the files, which are given in the order in which they were written.

    `noted` is the hash of a line that must be among them, '' without one. The first problem ends
    the check. Raises OSError if a file cannot be read.
    """
    chain = Chain(noted=noted, has_noted=not noted)
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(_lines(stream), 1):
                if problem := _check(chain, line):
                    chain.problem = f"{file}:{number}: {problem}"
                    return chain
    return chain


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LINE_LIMIT_BYTES * 2):
        yield line


def _check(chain: Chain, line: bytes) -> str:
    """Add one line to the chain, or return the reason why it does not belong there."""
    entry = entry_of(line.removesuffix(b"\n")) if line.endswith(b"\n") else None
    if entry is None:
        return "is not a whole line of an audit file"
    seq, prev, claimed = entry["seq"], entry.get("prev"), entry.get("hash")
    if claimed != hash_of(entry):
        return "was changed after it was written"
    if not chain.entries:
        chain.first = seq
        if seq == 1 and prev != FIRST:
            return "is not the first line of a chain"
    elif (seq, prev) != (chain.head.seq + 1, chain.head.hash):
        return f"does not follow line {chain.head.seq}: lines are missing, added or reordered"
    chain.head, chain.entries = Head(seq, claimed), chain.entries + 1
    chain.has_noted = chain.has_noted or claimed == chain.noted
    about = str(entry.get("request_id", ""))
    if entry.get("event") == AuditEvent.STARTED:
        what = f"{entry.get('operation')} on {entry.get('target')} (line {seq})"
        chain.begun[about] = " ".join(printable(what).split())
    elif entry.get("event") == AuditEvent.FINISHED:
        chain.begun.pop(about, None)
    return ""


def _hash(text: str) -> str:
    """Return a noted hash. An empty one, such as that of an unset variable, would check nothing."""
    if not _HASH.fullmatch(text):
        raise argparse.ArgumentTypeError("must be 64 hex digits")
    return text


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """Return the exit code and the text to print.

    0: the chain is whole. 1: it is not. 2: a file cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m bot.gateway audit", description=__doc__)
    parser.add_argument("command", choices=["verify"])
    parser.add_argument("files", nargs="+", type=Path, help="oldest first")
    parser.add_argument("--head", type=_hash, help="a hash that was noted: must be in the chain")
    options = parser.parse_args(arguments)
    try:
        chain = verify(options.files, noted=options.head or "")
    except OSError as error:
        return 2, f"✗ {error.filename}: cannot be read: {error.strerror}"
    if chain.problem:
        return 1, f"✗ {chain.problem}"
    if not chain.has_noted:
        return 1, "✗ the noted head is not in the chain: lines at its end are missing"
    lines = [f"ok: {chain.entries} lines, {chain.first} to {chain.head.seq}, {chain.head.hash}"]
    if chain.first > 1:
        lines.append(f"it begins at line {chain.first}: give the older files too")
    lines += [f"began and has no end: {action}" for action in chain.begun.values()]
    return 0, "\n".join(lines)
