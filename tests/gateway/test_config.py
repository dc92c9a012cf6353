from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.gateway.config import load_config, read_config
from bot.gateway.errors import ConfigError
from bot.gateway.executors.process import ProcessTarget
from bot.gateway.journal import Journal
from bot.gateway.secret_values import Callers

PROCESS = {"executor": "process", "argv": ["true"]}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"targts": {}}, "g.yaml: targts: not a known key; did you mean targets?"),
        ({"targets": {"a b": PROCESS}}, "g.yaml: targets.a b"),
        ({"targets": {"a": {"executor": "telnet"}}}, "g.yaml: targets.a: "),
        ({"targets": {"a": PROCESS | {"argv": "rm -rf /"}}}, "g.yaml: targets.a.process.argv"),
        ({"targets": {"a": PROCESS | {"argv": []}}}, "g.yaml: targets.a.process.argv"),
        ({"targets": {"a": PROCESS | {"argv": ["a\0b"]}}}, "NUL"),
        ({"targets": {"a": PROCESS | {"health_url": "file:///x"}}}, "health_url"),
        ({"targets": {"a": {"executor": "docker", "container": "../x"}}}, "container"),
        ({"listen": {"port": 70_000}}, "g.yaml: listen.port"),
        ({"docker": {"url": "tcp"}}, "g.yaml: docker.url"),
        ({"sources": {"s": {"secret": "x"}}}, "g.yaml: sources.s.secret"),
        ({"sources": {"s": {"secret_env": "NONE"}}}, "sources.s.secret_env: NONE is not set"),
        ({"sources": {"s": {"secret_env": "SHORT"}}}, "SHORT must hold at least 16 characters"),
        ({"sources": {"s": {"secret_file": "/none"}}}, "cannot be read"),
        ({"sources": {"s": {"secret_env": "A", "secret_file": "/x"}}}, "not both"),
        ({"sources": {"s": {"secret_env": "A"}, "t": {}}}, "sources.t: has no secret"),
        ({"sources": {"s": {"secret_env": "A"}, "t": {"secret_env": "A"}}}, "another source"),
        (
            {"sources": {"s": {"secret_env": "A", "previous_secret_env": "A"}}},
            "A is another secret of this source too",
        ),
        (
            {"sources": {"s": {"secret_env": "A"}, "t": {"token_env": "A"}}},
            "sources.t.token_env: A is another source's too",
        ),
        (
            {"listen": {"host": "::"}, "sources": {"s": {"token_env": "A"}}},
            "can read a bearer token",
        ),
        ({"callers": {}}, "secret_env or secret_file"),
        ({"secrets": {"s": "x"}}, "secret_env or secret_file"),
        ({"listen": {"host": "::"}}, "open to the network"),
        ([1], "g.yaml: must be a mapping"),
    ],
)
def test_a_wrong_config_is_refused_and_the_field_named(config, problem):
    with pytest.raises(ConfigError) as caught:
        read_config(
            config, name="g.yaml", environ={"A": "sixteen-letters-and-more", "SHORT": "short"}
        )
    assert problem in str(caught.value)
    assert "sixteen-letters" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_no_secret(host):
    assert read_config({"listen": {"host": host}}).callers == Callers()


def test_a_secret_file_is_read_without_its_newline_and_never_shown(tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("a secret in a file, long\n")
    config = read_config({"sources": {"s": {"secret_file": str(file)}}})
    assert config.callers.values() == ["a secret in a file, long"]
    assert "a secret in a file" not in repr(config)
    assert "a secret in a file" not in config.model_dump_json()


def test_files_that_are_missing_or_not_yaml_are_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("targets: [")
    with pytest.raises(ConfigError, match=r"bad\.yaml:1: not YAML"):
        load_config(bad)
    bad.write_text("targets: !!python/object/apply:os.system [exit]")
    with pytest.raises(ConfigError, match=r"bad\.yaml:1: not YAML"):
        load_config(bad)


def test_a_target_that_stands_twice_is_named_by_file_and_line(tmp_path: Path):
    twice = tmp_path / "twice.yaml"
    twice.write_text(
        "targets:\n  web: {executor: process, argv: ['true']}\n"
        "  db: {executor: process, argv: ['true']}\n"
        "  web: {executor: process, argv: ['false']}\n"
    )
    with pytest.raises(ConfigError, match=r"twice\.yaml:4: web is there twice"):
        load_config(twice)


def test_the_example_config_is_usable_and_so_is_every_target_it_shows():
    example = Path(__file__).parents[2] / "config" / "gateway.yaml"
    assert load_config(example).targets == {}
    unsigned = ("targets: {}", "  sopbot: {}")
    lines = [line for line in example.read_text().splitlines() if not line.startswith(unsigned)]
    shown = "\n".join(line.removeprefix("#:") for line in lines)
    config = read_config(yaml.safe_load(shown), environ={"GATEWAY_SECRET": "x" * 32})
    assert {target.executor for target in config.targets.values()} == {"process", "docker"}
    assert [source for source, _ in config.callers.signing] == ["sopbot"]


async def test_two_gateways_cannot_share_a_journal(tmp_path: Path):
    first = await Journal.open(tmp_path)
    with pytest.raises(ConfigError, match="another gateway is using"):
        await Journal.open(tmp_path)
    await first.close()
    second = await Journal.open(tmp_path)
    await second.close()
    assert (tmp_path / "journal.db").stat().st_mode & 0o077 == 0


async def test_a_journal_that_is_not_one_is_refused(tmp_path: Path):
    (tmp_path / "journal.db").write_text("this is no database" * 100)
    with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
        await Journal.open(tmp_path)


@pytest.mark.parametrize(
    "word", ["Production", " prod ", "\uff50\uff52\uff4f\uff44", "eu-1.prod_2"]
)
def test_a_targets_environment_is_one_plain_word(word: str) -> None:
    target = {"executor": "docker", "container": "a", "environment": word}
    config = read_config({"targets": {"a": target}})
    assert config.targets["a"].environment in {"production", "prod", "eu-1.prod_2"}


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("word", ["pr\u043ed", "pro\u200bd", "prod dev", "-prod", "x" * 64])
def test_an_environment_in_disguise_is_refused_with_its_field(word: str) -> None:
    target = {"executor": "docker", "container": "a", "environment": word}
    with pytest.raises(ConfigError) as refused:
        read_config({"targets": {"a": target}})
    assert "environment" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        ({"sopbot": PROCESS}, "targets.sopbot: is the name of the bot"),
        ({"Sopbot-Gateway": PROCESS}, "targets.Sopbot-Gateway: is the name of the bot"),
        ({"friend": PROCESS}, "targets.friend: is the name of the bot, its gateway or a caller"),
        (
            {"web": {"executor": "docker", "container": "SOPBOT"}},
            "targets.web.container: is the bot, its gateway or a caller",
        ),
        (
            {"web": PROCESS | {"argv": ["python", "-m", "bot.gateway"]}},
            "targets.web.argv: starts the bot or its gateway; they never act on it",
        ),
    ],
)
def test_a_target_that_is_the_bot_its_gateway_or_a_caller_is_refused(targets, problem):
    with pytest.raises(ConfigError) as caught:
        read_config({"targets": targets, "sources": {"Friend": {}}}, environ={})
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["web", "http"])
def test_a_key_of_another_executor_is_not_suggested(name):
    with pytest.raises(ConfigError) as caught:
        read_config({"targets": {name: PROCESS | {"retries": 3, "healthurl": "x"}}}, name="g.yaml")
    unknown = f"g.yaml: targets.{name}.process."
    assert caught.value.problems == [
        f"{unknown}retries: not a known key; known: {', '.join(ProcessTarget.model_fields)}",
        f"{unknown}healthurl: not a known key; did you mean health_url?",
    ]
