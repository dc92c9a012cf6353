from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import GatewayUnavailable
from bot.gateway import audit_check
from bot.gateway.audit import FIRST, AuditFile, hash_of
from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall, NeverSeen
from bot.remediation.contract import canonical_json

from .conftest import as_root, legacy

pytestmark = pytest.mark.attack("ASI10")

ECHO = {
    "title": "Say it",
    "argv": [sys.executable, "-c", "print('said')"],
    "targets": ["web"],
    "mutating": True,
}
SAY = ActionCall(action_id="say.it", target="web", tracking_id="req-20261127-010203-01234567")


def lines_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_what_began_ended_and_was_refused_is_in_one_chain(start, tmp_path):
    desk = await start({"web": {"executor": "command"}}, commands={"say.it": ECHO})
    assert (await desk.client.execute(SAY, key="k1")).state == "succeeded"
    await desk.client.execute(SAY, key="k1")  # a repeat of the answer, nothing more
    await desk.post("/execute-docker-command", legacy("other", "restart the service"))
    await desk.gateway.reload(desk.config.model_copy(update={"read_only": True}))
    assert (await desk.client.execute(SAY, key="k2")).error_code == "READ_ONLY"

    file = tmp_path / "state" / "audit.jsonl"
    opened, started, finished, refused, reloaded, read_only = lines_of(file)
    assert [opened["event"], reloaded["event"]] == ["opened", "reloaded"]
    assert [started[name] for name in ("event", "operation", "target", "source")] == [
        *("started", "say.it", "web", "sopbot")
    ]
    assert started["tracking_id"] == finished["tracking_id"] == SAY.tracking_id
    assert (finished["success"], finished["status"]) == (True, "COMPLETED_SUCCESS")
    assert "print" in finished["command_executed"]
    assert [refused["error_code"], read_only["error_code"]] == ["UNKNOWN_SERVICE", "READ_ONLY"]
    assert file.stat().st_mode & 0o077 == 0
    code, text = audit_check.run(["verify", str(file)])
    assert (code, text) == (0, f"ok: 6 lines, 1 to 6, {read_only['hash']}")


async def test_a_line_that_was_changed_removed_or_cut_off_is_found(tmp_path, clock):
    file = tmp_path / "audit.jsonl"
    audit = await AuditFile.open(file, clock)
    for number in range(4):
        await audit.record("started", request_id=str(number), operation="a", target="b")
    head = audit.head.hash
    await audit.record("finished", request_id="3")
    await audit.close()
    lines = file.read_text().splitlines(keepends=True)

    def check(changed: list[str], *more: str) -> str:
        file.write_text("".join(changed))
        code, text = audit_check.run(["verify", str(file), *more])
        return f"{code} {text}"

    assert check(lines, "--head", head).startswith("0 ok: 6 lines, 1 to 6")
    assert check(lines).count("began and has no end: a on b") == 3
    changed = [line.replace('"target":"b"', '"target":"c"') for line in lines]
    assert "audit.jsonl:2: was changed" in check(changed)
    assert "audit.jsonl:3: does not follow line 2" in check(lines[:2] + lines[3:])
    assert "audit.jsonl:4: does not follow line 3" in check([*lines[:3], lines[4], lines[3]])
    assert "audit.jsonl:1: is not a whole line" in check(["x\n", *lines])
    assert "it begins at line 2" in check(lines[1:])
    assert "1 ✗ the noted head is not in the chain" in check(lines[:4], "--head", head)
    assert audit_check.run(["verify", str(tmp_path / "none")])[0] == 2


def chain_of(*entries: dict[str, object]) -> str:
    """The lines of a chain that somebody made without a gateway: it has no key."""
    lines, prev = "", FIRST
    for seq, entry in enumerate(entries, 1):
        linked = {"seq": seq, **entry, "prev": prev}
        prev = hash_of(linked)
        lines += canonical_json({**linked, "hash": prev}).decode() + "\n"
    return lines


async def test_a_line_in_another_form_is_found_and_its_words_are_shown_harmless(tmp_path, clock):
    file = tmp_path / "audit.jsonl"
    hostile = {"event": "started", "operation": "\x1b[2J\x1b[Hok: 9 lines\nok", "target": "web"}
    good = chain_of(hostile, {"event": "opened"})

    def check(text: str, *more: str) -> str:
        file.write_text(text, encoding="utf-8")
        code, shown = audit_check.run(["verify", str(file), *more])
        return f"{code} {shown}"

    shown = check(good)
    assert shown.startswith("0 ok: 2 lines, 1 to 2")
    assert "\x1b" not in shown
    assert shown.endswith("began and has no end: ok: 9 lines ok on web (line 1)")
    twice = good.replace('"target":"web"', '"target":"db","target":"web"')
    zeros = "0" * 64
    for changed in (
        twice,
        good.replace('"seq":1,', '"seq": 1,'),
        good.rstrip("\n"),
        '{"hash":"' + zeros + '","prev":"' + zeros + '","seq":1e999}\n',
        '{"hash":"' + zeros + '","prev":NaN,"seq":1}\n',
        '{"hash":"' + zeros + '","prev":"\\ud800","seq":1}\n',
        "[" * 100_000 + "\n",
    ):
        assert "is not a whole line" in check(changed), changed[:90]
        if changed.endswith("\n"):
            file.write_text(changed.splitlines()[0] + "\n")
            with pytest.raises(ConfigError, match="is not what a gateway wrote"):
                await AuditFile.open(file, clock)
    for unset in ("", "0" * 63, "x" * 64):
        with pytest.raises(SystemExit):
            check(good, "--head", unset)
    file.write_text(good + "x" * 70_000)
    with pytest.raises(ConfigError, match="is not what a gateway wrote"):
        await AuditFile.open(file, clock)
    assert file.read_text() == good + "x" * 70_000


async def test_a_chain_goes_on_over_a_crash_and_a_rotation(start, tmp_path, clock):
    file = tmp_path / "state" / "audit.jsonl"
    desk = await start({})
    file.rename(tmp_path / "old.jsonl")
    file.mkdir()
    with pytest.raises(ConfigError, match=r"audit_file: .* cannot be used"):
        await desk.gateway.reload(desk.config)
    file.rmdir()
    await desk.gateway.reload(desk.config)
    both = ["verify", str(tmp_path / "old.jsonl"), str(file)]
    assert audit_check.run(both)[1].startswith("ok: 2 lines, 1 to 2")

    other = tmp_path / "crashed.jsonl"
    audit = await AuditFile.open(other, clock)
    await audit.close()
    with other.open("a") as torn:
        torn.write('{"event":"started","se')
    audit = await AuditFile.open(other, clock)
    await audit.close()
    assert audit_check.run(["verify", str(other)])[1].startswith("ok: 2 lines, 1 to 2")
    other.write_text(other.read_text().replace('"seq":2', '"seq":9'))
    with pytest.raises(ConfigError, match="is not what a gateway wrote"):
        await AuditFile.open(other, clock)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [
        str(shutil.which("mount")),
        "-t",
        "tmpfs",
        "-o",
        "size=64k,mode=700",
        "none",
        str(folder),
    ]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run([str(shutil.which("umount")), "-l", str(folder)], check=True)


@as_root
async def test_nothing_runs_that_a_full_disk_cannot_record(start, small_disk, tmp_path):
    file, done, ballast = small_disk / "audit.jsonl", tmp_path / "done", small_disk / "ballast"
    count = {**ECHO, "argv": [sys.executable, "-c", f"open({str(done)!r}, 'a').write('x')"]}
    desk = await start(
        {"web": {"executor": "command"}}, commands={"say.it": count}, audit_file=str(file)
    )
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as full:
        while full.write(b"x" * 512):
            pass

    ran = 0  # the last page of the file may have place for some: each is on record
    refusal = ""
    while not refusal:
        try:
            await desk.client.execute(SAY, key=f"k{ran}")
            ran += 1
        except GatewayUnavailable as error:
            refusal = error.message
    assert "cannot write its audit file. Nothing was run." in refusal
    assert await desk.client.lookup(f"k{ran}") == NeverSeen()
    assert len(done.read_text() if done.exists() else "") == ran

    ballast.unlink()
    assert (await desk.client.execute(SAY, key=f"k{ran}")).state == "succeeded"
    assert len(done.read_text()) == ran + 1
    events = [line["event"] for line in lines_of(file)]
    assert events.count("started") == events.count("finished") == ran + 1
    assert audit_check.run(["verify", str(file)])[0] == 0
