"""A stand-in for `q`: does what a scenario file says and records how it was called.

Run as `python fakeq.py SCENARIO chat --no-interactive …`. The scenario is a JSON list, one entry a
call; the last entry serves all further calls. Keys of an entry:

    stdout, stderr   list of chunks (hex), written one by one
    exit             exit code (0)
    hang             "start": before any output; "half": after the first chunk of stdout
    ignore_term      ignore SIGTERM
    grandchildren    list of {"group", "session", "holds_stdout", "ignore_term", "scrub"}
    flood            bytes written to "flood_to" (stdout) before the chunks
    close_stdin      close stdin without reading it
    char_delay       seconds slept for each character of stdout

Beside the scenario lies `calls.jsonl`, one line a call, written before any output.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

FLAGS_WITH_VALUE = ("--agent", "--model", "--wrap")
FLAGS = ("--no-interactive", "-a", "--trust-all-tools")
HOLDER = """
import signal, sys
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True, file=sys.stderr)
signal.pause()
"""


def read_arguments(arguments: list[str]) -> str | None:
    """The INPUT argument; a wrong flag ends as clap does."""
    if not arguments or arguments[0] != "chat":
        usage(arguments[0] if arguments else "")
    prompts: list[str] = []
    rest = iter(arguments[1:])
    for word in rest:
        if word == "--":
            prompts += rest
        elif word in FLAGS_WITH_VALUE:
            next(rest, None)
        elif word in FLAGS or word.startswith("--trust-tools="):
            continue
        elif word.startswith("-"):
            usage(word)
        else:
            prompts.append(word)
    if len(prompts) > 1:
        usage(prompts[1])
    return prompts[0] if prompts else None


def usage(word: str) -> None:
    sys.stderr.write(f"error: unexpected argument '{word}' found\n\nUsage: qchat chat [OPTIONS]\n")
    sys.exit(2)


def start_grandchild(how: dict) -> int:
    """A process that stays until it is ended; returns once it is up."""
    ready, ready_end = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", HOLDER, *(["deaf"] if how.get("ignore_term") else [])],
        stdin=subprocess.DEVNULL,
        stdout=None if how.get("holds_stdout") else subprocess.DEVNULL,
        stderr=ready_end,
        process_group=0 if how.get("group") else None,
        start_new_session=bool(how.get("session")),
        env={} if how.get("scrub") else None,
    )
    os.close(ready_end)
    os.read(ready, 2)
    os.close(ready)
    child.returncode = 0  # no complaint that nobody waited for it
    return child.pid


def write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def main() -> None:
    if sys.argv[2:] == ["--version"]:
        print("q 1.19.7")
        return
    scenario = Path(sys.argv[1])
    steps = json.loads(scenario.read_text())
    calls = scenario.with_name("calls.jsonl")
    done = len(calls.read_text().splitlines()) if calls.exists() else 0
    step = steps[min(done, len(steps) - 1)]
    if sys.argv[2:] == ["whoami"]:
        sys.exit(step.get("exit", 0))
    if step.get("ignore_term"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prompt = read_arguments(sys.argv[2:])
    if step.get("close_stdin"):
        os.close(0)
    elif prompt is None:
        prompt = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    pids = [start_grandchild(how) for how in step.get("grandchildren", [])]
    call = {
        "argv": sys.argv[2:],
        "env": dict(os.environ),
        "cwd": str(Path.cwd()),
        "files": sorted(path.name for path in Path.cwd().iterdir()),
        "stdin": prompt,
        "pid": os.getpid(),
        "memory": resource.getrlimit(resource.RLIMIT_DATA)[0],
        "grandchildren": pids,
    }
    with calls.open("a") as file:
        file.write(json.dumps(call) + "\n")
    play(step)


def play(step: dict) -> None:
    hang = step.get("hang")
    if hang == "start":
        signal.pause()
        time.sleep(600)
    for chunk in step.get("stderr", []):
        write(2, bytes.fromhex(chunk))
    block = b"x" * 65536
    for _ in range(step.get("flood", 0) // len(block)):
        write(2 if step.get("flood_to") == "stderr" else 1, block)
    for number, chunk in enumerate(step.get("stdout", [])):
        data = bytes.fromhex(chunk)
        if step.get("char_delay"):
            for byte in data:
                write(1, bytes([byte]))
                time.sleep(step["char_delay"])
        else:
            write(1, data)
        if hang == "half" and number == 0:
            signal.pause()
            time.sleep(600)
    os._exit(step.get("exit", 0))


if __name__ == "__main__":
    main()
