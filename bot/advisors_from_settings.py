"""Builds the advisors that the settings name: for the composition root and `check`."""

from __future__ import annotations

import logging
import os
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
from yarl import URL

from bot.advice.advisor import Advisor
from bot.advice.agent_file import write_agent
from bot.advice.chain import AdvisorChain, ChainLimits
from bot.advice.environment import argv_of
from bot.advice.kinds.command import CommandAdvisor
from bot.advice.kinds.contract import AdvisorKind
from bot.advice.kinds.http import Endpoint
from bot.advice.kinds.ollama import OllamaAdvisor
from bot.advice.kinds.openai import OpenAiAdvisor
from bot.advice.member import Member
from bot.configuration import LiveConfiguration
from bot.errors import SettingsError
from bot.observability.metrics import Metrics
from bot.regular_files import read_regular
from bot.serving.hosts import is_loopback
from bot.setting_advisors import (
    ACP,
    COMMAND,
    DEFAULT_COMMAND,
    KIRO_COMMAND,
    OLLAMA,
    OPENAI,
    RULES,
    kind_of,
    seconds_of,
)
from bot.settings import Settings

log = logging.getLogger(__name__)

TASK_FILE = "task_instructions.md"  # beside the policy


@dataclass(slots=True)
class Entry:
    """An advisor of ADVISOR. `build` returns None for an empty command.

    `seconds` are those behind its colon. After `build`, `notes` says what is surprising.
    """

    name: str
    seconds: float | None
    build: Callable[[], AdvisorKind | None]
    notes: list[str] = field(default_factory=list)


def build_advisor(
    settings: Settings,
    session: aiohttp.ClientSession,
    metrics: Metrics,
    config: LiveConfiguration,
) -> Advisor:
    """Return the advisor that asks the chain of ADVISOR."""
    return Advisor(
        advisor_chain(settings, session, metrics, lambda: config.current.policy.llm.limits.waiting),
        task_instructions(settings),
        rules_answer=RULES in settings.advisor,
        private=lambda: config.current.policy.privacy.redact,
    )


def task_instructions(settings: Settings) -> str:
    """The operator's own text for every prompt; '' where there is none."""
    path = settings.policy_file.parent / TASK_FILE
    return read_regular(path) if path.is_file() else ""


def advisor_chain(
    settings: Settings,
    session: aiohttp.ClientSession,
    metrics: Metrics,
    max_waiting: Callable[[], int],
) -> AdvisorChain | None:
    """Return the advisors of ADVISOR in their order; None if only the rules are left.

    SettingsError for one that is not safe.
    """
    members = list(_members(settings, session, metrics))
    if not members:
        return None
    for member in members:
        metrics.advisor.watch(member.name, partial(_is_paused, member))
    chain = AdvisorChain(
        members,
        ChainLimits(
            timeout=settings.qchat_timeout,
            max_concurrent=settings.qchat_max_concurrent,
            max_waiting=max_waiting,
        ),
        observe=metrics.advisor.record,
        on_failure=metrics.advisor.failed,
    )
    metrics.advisor.watch_queue(lambda: chain.health().waiting)
    return chain


def _members(
    settings: Settings, session: aiohttp.ClientSession, metrics: Metrics
) -> Iterator[Member]:
    """Yield the advisors; one whose agent file cannot be written is logged and left out."""
    refused = metrics.advisor.tool_refused
    for entry in kinds(settings, os.environ, session, home=Path.home(), on_refusal=refused):
        try:
            kind = entry.build()
        except AgentNotWritten as error:
            log.warning("advisor %s is not asked: %s", entry.name, error)
            continue
        for note in entry.notes:
            log.warning("advisor %s: %s", entry.name, note)
        if kind:
            yield Member(
                kind,
                max_retries=settings.qchat_max_retries,
                retry_delay=settings.qchat_retry_delay,
                share=entry.seconds,
                on_retry=lambda pause: metrics.advisor.record("retried", pause),
            )


def _is_paused(member: Member) -> bool:
    return member.paused() is not None


class AgentNotWritten(SettingsError):
    """The agent file that the advisor needs cannot be written, so it must not be asked."""


def kinds(
    settings: Settings,
    environ: Mapping[str, str],
    session: aiohttp.ClientSession,
    *,
    home: Path | None = None,
    on_refusal: Callable[[str], None] = lambda _name: None,
) -> Iterator[Entry]:
    """Yield an entry for each advisor of ADVISOR but the rules.

    With a `home`, agent files are written there. `on_refusal` gets the name of an advisor that
    asked for a tool.
    """
    builders = _Builders(settings, environ, session, home, on_refusal)
    known: Mapping[str, Callable[[list[str]], AdvisorKind | None]] = {
        COMMAND: builders.command,
        ACP: builders.acp,
        OLLAMA: builders.ollama,
        OPENAI: builders.openai,
    }
    for name in settings.advisor:
        kind = kind_of(name)
        if kind in known:
            notes: list[str] = []
            build = known[kind]
            yield Entry(kind, seconds_of(name), lambda: build(notes), notes)  # noqa: B023 - used at once


@dataclass(frozen=True, slots=True)
class _Builders:
    settings: Settings
    environ: Mapping[str, str]
    session: aiohttp.ClientSession
    home: Path | None
    on_refusal: Callable[[str], None]

    def command(self, notes: list[str]) -> CommandAdvisor | None:
        settings = self.settings
        argv = argv_of(settings.advisor_command, q_bin=settings.q_bin)
        if not argv:
            return None
        path = self.environ.get("PATH")
        if settings.advisor_command == DEFAULT_COMMAND and not shutil.which(argv[0], path=path):
            kiro = argv_of(KIRO_COMMAND)
            if shutil.which(kiro[0], path=path):
                notes.append(f"{argv[0]} is not on PATH and {kiro[0]} is, so that is used")
                argv = kiro
        self._write_agent(argv)
        return CommandAdvisor(
            argv,
            environ=self.environ,
            allow_unknown_flags=settings.advisor_allow_unknown_flags,
            max_output=settings.qchat_max_output_size,
            max_memory_mb=settings.qchat_max_memory_mb,
            home=self.home,
        )

    def acp(self, _notes: list[str]) -> AdvisorKind:
        try:
            from bot.advice.kinds.acp import AcpAdvisor  # its library is optional
        except ImportError as error:
            why = "acp needs its library; install it with `make acp`"
            raise SettingsError([f"ADVISOR: {why}"]) from error
        settings = self.settings
        argv = argv_of(settings.advisor_acp_command, variable="ADVISOR_ACP_COMMAND")
        if argv:
            self._write_agent(argv)
        return AcpAdvisor(
            argv,
            environ=self.environ,
            allow_unknown_flags=settings.advisor_allow_unknown_flags,
            max_output=settings.qchat_max_output_size,
            max_memory_mb=settings.qchat_max_memory_mb,
            home=self.home,
            on_refusal=self.on_refusal,
        )

    def ollama(self, _notes: list[str]) -> OllamaAdvisor:
        settings = self.settings
        model = settings.advisor_ollama_model
        name = f"Ollama {model}"
        return OllamaAdvisor(
            self._endpoint(name, settings.advisor_ollama_url, "ADVISOR_OLLAMA_URL"), model
        )

    def openai(self, notes: list[str]) -> OpenAiAdvisor:
        settings = self.settings
        model, url = settings.advisor_openai_model, settings.advisor_openai_url
        key = settings.advisor_openai_key.get_secret_value()
        address = URL(url)
        if key and address.scheme == "http" and not is_loopback(address.host or ""):
            notes.append("ADVISOR_OPENAI_KEY is sent readable to everybody: use https")
        return OpenAiAdvisor(self._endpoint(model, url, "ADVISOR_OPENAI_URL", key), model)

    def _endpoint(self, name: str, url: str, variable: str, key: str = "") -> Endpoint:
        return Endpoint(
            session=self.session,
            name=name[:80],
            url=url,
            variable=variable,
            key=key,
            tls=self._authorities(),
            max_output=self.settings.qchat_max_output_size,
        )

    def _authorities(self) -> ssl.SSLContext | None:
        file = self.settings.advisor_ca_file
        if file is None:
            return None
        try:
            return ssl.create_default_context(cafile=file)
        except OSError as error:  # ssl.SSLError too
            problem = f"ADVISOR_CA_FILE: {file} holds no certificate of an authority"
            raise SettingsError([problem]) from error

    def _write_agent(self, argv: tuple[str, ...]) -> None:
        if self.home is None:
            return
        agent = write_agent(argv, self.home)
        if agent.problem:
            raise AgentNotWritten([agent.problem])
