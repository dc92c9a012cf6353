"""Lists the advisor commands that are known to run no tools. An advisor reads strangers' text.

For the programs in `_KNOWN` only the listed arguments are allowed: a new or unknown flag may trust
tools. Shells, and programs that start another program, are refused. Any other program runs unless
one of its arguments says that it trusts tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

ANY = ".*"  # a value that cannot matter: a model's name, a file, a format
OUR_AGENT = "sopbot-advisor"


@dataclass(frozen=True, slots=True)
class _Known:
    """`first`: the subcommand, '' without one. `alone`: flags without a value.

    `valued`: flags with the pattern of their safe values.
    """

    first: str = ""
    alone: frozenset[str] = frozenset()
    valued: Mapping[str, str] = field(default_factory=dict)


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(text: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), ANY)


_Q = _Known(
    "chat",
    _split("--no-interactive --v2 --v3 --classic --legacy-ui -v --verbose --"),
    # An empty list of trusted tools trusts none; an agent of another name may trust all.
    {**_any("--wrap --model --effort"), "--agent": OUR_AGENT, "--trust-tools": ""},
)
_KNOWN: Mapping[str, _Known] = {
    **dict.fromkeys(("q", "qchat", "kiro", "kiro-cli", "kiro-cli-chat"), _Q),
    "claude": _Known(
        "",
        _split("-p --print --strict-mcp-config --verbose --no-session-persistence"),
        {
            **_any("--output-format --input-format --model --max-turns --system-prompt"),
            **_any("--append-system-prompt --disallowedTools --disallowed-tools"),
            "--tools": "",
            "--permission-mode": "default|plan|dontAsk",
        },
    ),
    "codex": _Known(
        "exec",
        _split("--ephemeral --skip-git-repo-check --json -"),
        {
            **_any("-m --model -o --output-last-message --output-schema --color"),
            "--sandbox": "read-only",
            "-s": "read-only",
        },
    ),
    "gemini": _Known(
        "",
        _split("-s --sandbox"),
        {
            **_any("-p --prompt -m --model -o --output-format"),
            "--approval-mode": "default|plan",
        },
    ),
    "aichat": _Known("", _split("-S --no-stream"), _any("-m --model --prompt")),
    "llm": _Known(
        "",
        _split("-n --no-log --no-stream -x --extract --xl --extract-last"),
        _any("-m --model -s --system --schema --key"),
    ),
    "ollama": _Known(
        "run",
        _split("--nowordwrap --hidethinking --verbose"),
        _any("--format --keepalive --think"),
    ),
}
# As agents of the Agent Client Protocol: there the tools ask first, and are refused.
_KNOWN_ACP: Mapping[str, _Known] = {
    **dict.fromkeys(
        ("kiro", "kiro-cli", "kiro-cli-chat"),
        _Known("acp", _split("--v2 --v3"), {**_any("--model --effort"), "--agent": OUR_AGENT}),
    ),
    "gemini": _Known(
        "",
        _split("--acp --experimental-acp -s --sandbox"),
        {**_any("-m --model"), "--approval-mode": "default|plan"},
    ),
    **dict.fromkeys(("claude-code-acp", "claude-agent-acp"), _Known()),
    "codex-acp": _Known("", frozenset(), {"-c": "model=[^=]*|sandbox_mode=.?read-only.?"}),
}
# We cannot see the command that these start, nor its flags.
_STARTERS = _split(
    "sh bash dash zsh ksh fish csh tcsh busybox env xargs sudo doas su nohup nice timeout setsid"
    " stdbuf script ssh docker podman kubectl find parallel watch time chroot unshare"
)
_PYTHON = re.compile(r"python[0-9.]*")
_INTERPRETER = re.compile(r"(?:perl|ruby|node|php|lua|deno|bun)[0-9.]*")
_PYTHON_INLINE = re.compile(r"-[bBdEhiIOPqsSuvx]*c.*", re.DOTALL)
_INLINE = re.compile(r"-[A-Za-z]*[eEprR].*|--(?:eval|exec|print|run)(?:=.*)?|eval", re.DOTALL)
_TRUSTS = re.compile(
    r"-a|-y|--yes|--yolo|--trust-(?!tools=$).*|--dangerously-.*|--full-auto|--auto-.*|--allow-all.*"
    r"|--allowed-?tools.*|--always-approve.*|--auto|--force|--unsafe.*"
    r"|(?:--[a-z-]+=)?(?:bypassPermissions|acceptEdits|danger-full-access|workspace-write|yolo)"
    r"|--approval-mode=auto.*",
    re.IGNORECASE,
)
_ELSE = (
    "An advisor needs no tools (docs/advice.md). ADVISOR_ALLOW_UNKNOWN_FLAGS=true runs it all the"
    " same, at your risk."
)


def unsafe_arguments(argv: Sequence[str], *, acp: bool = False) -> list[str]:
    """Return the reasons why this command is not known to be safe."""
    program = PurePath(argv[0]).name.lower()
    if program in _STARTERS:
        why = f"{program} starts what cannot be seen from here. Name the advisor's own program."
        return [f"{why} {_ELSE}"]
    known = (_KNOWN_ACP if acp else _KNOWN).get(program)
    bad = _bad_arguments(known, argv[1:]) if known else _bad_of_own(program, argv[1:])
    return [
        f"{word[:60]} lets alert text run tools on this host, as far as is known."
        f" Remove it. {_ELSE}"
        for word in dict.fromkeys(bad)
    ]


def _bad_arguments(known: _Known, arguments: Sequence[str]) -> list[str]:
    bad: list[str] = []
    waiting = list(reversed(arguments))
    if known.first and waiting and (first := waiting.pop()) != known.first:
        return [first]
    while waiting:
        word = waiting.pop()
        name, equals, value = word.partition("=")
        if word in known.alone or not word.startswith("-"):
            continue
        if name not in known.valued:
            bad.append(name)
            continue
        if not equals:
            value = waiting.pop() if waiting else ""
        if not re.fullmatch(known.valued[name], value, re.DOTALL):
            bad.append(f"{name} {value}".strip())
    return bad


def _bad_of_own(program: str, arguments: Sequence[str]) -> list[str]:
    inline = _PYTHON_INLINE if _PYTHON.fullmatch(program) else None
    if _INTERPRETER.fullmatch(program):
        inline = _INLINE
    bad: list[str] = []
    for word in arguments:
        if (inline and inline.fullmatch(word)) or _TRUSTS.fullmatch(word):
            bad.append(word)
        if not word.startswith("-"):
            inline = None  # after the script's name, the arguments belong to the script
    return bad
