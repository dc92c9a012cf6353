"""A stand-in for an agent of the Agent Client Protocol: plays a script, and notes what it hears.

Run as `python fake_agent.py SCRIPT`. The script is a JSON object: for "start" and for each method
of the client a list of steps. `agents.py` writes scripts from the protocol's own schema. A step is
one of these:

    result, error    the answer to the request
    send             a notification
    ask              a request to the client; its answer is noted
    raw              text on stdout as it is
    stderr           text on stderr
    flood            raw text again and again, 50 MB in all
    repeat           steps that are played 100 times
    child            a process of its own, in a session of its own
    hang, exit       stay for ever; end with this code

Beside the script lies `notes.jsonl`: each message of the client, and the pids of children.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(sys.argv[1])
NOTES = SCRIPT.with_name("notes.jsonl")


def note(message: object) -> None:
    with NOTES.open("a") as file:
        file.write(json.dumps(message) + "\n")


def write(fd: int, text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(fd, data) :]


def send(message: dict) -> None:
    write(1, json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def hear() -> dict:
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    message = json.loads(line)
    note(message)
    return message


def play(steps: list, request: object) -> None:
    for step in steps:
        ((what, value),) = step.items()
        if what in ("result", "error"):
            send({"id": request, what: value})
        else:
            STEPS[what](value)


def ask(message: dict) -> None:
    send({"id": 7, **message})
    hear()


def flood(text: str) -> None:
    for _ in range(50_000_000 // len(text)):
        write(1, text)


def repeat(steps: list) -> None:
    for _ in range(100):
        play(steps, None)


def child(_: object) -> None:
    started = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    note({"child": started.pid})


STEPS = {
    "send": send,
    "ask": ask,
    "raw": lambda text: write(1, text),
    "stderr": lambda text: write(2, text),
    "flood": flood,
    "repeat": repeat,
    "child": child,
    "hang": lambda _: signal.pause(),
    "exit": os._exit,
}


def main() -> None:
    script = json.loads(SCRIPT.read_text())
    note({"cwd": str(Path.cwd()), "files": [each.name for each in Path.cwd().iterdir()]})
    play(script.get("start", []), None)
    while True:
        message = hear()
        play(script.get(message.get("method"), []), message.get("id"))


main()
