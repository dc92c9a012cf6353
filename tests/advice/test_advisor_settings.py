"""ADVISOR names the advisors; wrong names and incomplete ones stop the start."""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp
import pytest

from bot.advisors_from_settings import advisor_chain, kinds
from bot.errors import SettingsError
from bot.observability.metrics import Metrics
from bot.settings import Settings, load
from tests.helpers.good_settings import GOOD

EVERY = {
    "ADVISOR": "command:80, ollama, openai:20, rules",
    "ADVISOR_OLLAMA_MODEL": "llama3.2",
    "ADVISOR_OPENAI_URL": "https://models.example/v1",
    "ADVISOR_OPENAI_MODEL": "gpt-4o-mini",
}


def settings(**changes: str) -> Settings:
    return load({**GOOD, **changes}, Path("/nowhere/.env"))


async def test_the_advisors_are_asked_in_the_order_of_the_setting(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        chain = advisor_chain(settings(**EVERY), session, Metrics(), lambda: 100)
    assert chain is not None
    assert chain.name == "Amazon Q, Ollama llama3.2, gpt-4o-mini"
    assert [member.share for member in chain._members] == [80, None, 20]


async def test_without_an_advisor_that_can_be_asked_there_is_no_chain() -> None:
    async with aiohttp.ClientSession() as session:
        for changes in ({"ADVISOR": "rules"}, {"ADVISOR_COMMAND": ""}):
            assert advisor_chain(settings(**changes), session, Metrics(), lambda: 100) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ADVISOR": "gpt"}, "must be names out of command, "),
        ({"ADVISOR": ""}, "must be names out of command, "),
        ({"ADVISOR": "command:soon"}, "seconds behind a colon"),
        ({"ADVISOR": "command:0"}, "seconds behind a colon"),
        ({"ADVISOR": "command:5,command"}, "names an advisor twice"),
        ({"ADVISOR": "rules,command"}, "they stand last"),
        ({"ADVISOR": "ollama"}, "ADVISOR_OLLAMA_MODEL: required"),
        ({"ADVISOR": "openai"}, "ADVISOR_OPENAI_URL, ADVISOR_OPENAI_MODEL: required"),
        ({"ADVISOR_OLLAMA_URL": "http://u:s3cret@host"}, "without user, query"),
        ({"ADVISOR_OPENAI_URL": "file:///etc/passwd"}, "must be an address"),
    ],
)
def test_a_wrong_advisor_is_named_without_its_value(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        settings(**changes)
    assert "s3cret" not in str(refused.value)


async def test_a_key_that_everybody_could_read_on_the_way_is_said() -> None:
    async with aiohttp.ClientSession() as session:
        for url, count in (("http://gpu.internal/v1", 1), ("http://127.0.0.1:8000/v1", 0)):
            changes = {**EVERY, "ADVISOR": "openai", "ADVISOR_OPENAI_URL": url}
            (entry,) = kinds(settings(**changes, ADVISOR_OPENAI_KEY="k"), {}, session)
            entry.build()
            assert len(entry.notes) == count


async def test_kiro_is_used_where_q_is_missing(tmp_path: Path) -> None:
    (tmp_path / "kiro-cli").write_text("#!/bin/sh\n")
    (tmp_path / "kiro-cli").chmod(0o755)
    environ = {"PATH": os.fspath(tmp_path)}
    async with aiohttp.ClientSession() as session:
        (entry,) = kinds(settings(), environ, session)
        kind = entry.build()
        assert kind is not None
        assert kind.name == "Kiro"
        assert entry.notes == ["q is not on PATH and kiro-cli is, so that is used"]
        (tmp_path / "q").symlink_to(tmp_path / "kiro-cli")
        (entry,) = kinds(settings(), environ, session)
        kind = entry.build()
        assert kind is not None
        assert (kind.name, entry.notes) == ("Amazon Q", [])


async def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    async with aiohttp.ClientSession() as session:
        changes = {**EVERY, "ADVISOR": "ollama", "ADVISOR_CA_FILE": str(file)}
        (entry,) = kinds(settings(**changes), {}, session)
        with pytest.raises(SettingsError, match="ADVISOR_CA_FILE"):
            entry.build()
