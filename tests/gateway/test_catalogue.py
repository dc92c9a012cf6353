"""A target offers what its system has and its operator allows; a system is one declaration."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.gateway import actions
from bot.gateway.actions import Action
from bot.gateway.catalogue import Catalogue
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError, Invalid
from bot.gateway.executors import Kind
from bot.gateway.executors.registry import built_in_actions, missing_library
from bot.gateway.parts import Target, WithPassword
from bot.gateway.secret_values import secret_variables, target_secrets
from bot.remediation.contract import ExecuteRequest, canonical_json
from bot.remediation.reading import READING

DOCS = Path(__file__).parents[2] / "docs" / "gateway.md"
PROCESS = {"executor": "process", "argv": ["true"]}


def test_the_bot_knows_every_reading_action_of_its_own_gateway():
    reading = {action.id for action in built_in_actions().values() if not action.mutating}
    assert reading == READING, "bot/remediation/reading.py"


class DatabaseTarget(WithPassword):
    executor: Literal["database"]


def catalogue(**targets: Any) -> Catalogue:
    return Catalogue(read_config({"targets": targets}).targets)


def request(target: str, action: str) -> ExecuteRequest:
    body = {
        "source_id": "s",
        "target_resource": {"name": target},
        "action_request": {"action": {"id": action, "parameters": {}}},
    }
    return ExecuteRequest.model_validate_json(canonical_json(body))


@pytest.mark.attack("ASI03")
def test_an_action_that_the_operator_does_not_allow_on_a_target_is_refused():
    here = catalogue(web=PROCESS | {"actions": ["service.st*", "service.logs"]})
    assert here.resolve(request("web", "service.stop")).action is actions.STOP
    with pytest.raises(Invalid, match=r"web does not offer service\.restart") as refused:
        here.resolve(request("web", "service.restart"))
    assert refused.value.code == "ACTION_NOT_ALLOWED"
    with pytest.raises(Invalid) as unknown:
        here.resolve(request("web", "service.erase"))
    assert unknown.value.code == "UNKNOWN_ACTION"


def test_the_list_names_for_each_target_its_system_and_the_actions_that_it_offers():
    here = catalogue(
        web=PROCESS | {"actions": ["service.status"], "owner": "team web", "environment": "Prod"},
        db={"executor": "docker", "container": "db-1"},
    )
    listed = here.listed()
    by_name = {target.name: target for target in listed.targets}
    assert by_name["web"].actions == ("service.status",)
    assert (by_name["web"].system, by_name["web"].environment) == ("process", "prod")
    assert by_name["web"].owner == "team web"
    assert "docker.update_resources" in by_name["db"].actions
    by_id = {action.id: action for action in listed.actions}
    assert by_id["service.restart"].targets == ("db",)
    assert by_id["service.status"].targets == ("web", "db")
    assert by_id["service.stop"].inverse == "service.start"


def test_a_system_without_its_library_is_named_with_the_extra_that_installs_it():
    kind = Kind(
        name="database",
        target=DatabaseTarget,
        actions=(),
        build=lambda setup: None,  # type: ignore[arg-type,return-value]
        requires=("no_such_library", "json"),
        extra="postgres",
    )
    assert missing_library(kind) == (
        "database needs no_such_library: install sopbot with its extra postgres (docs/install.md)"
    )


def test_two_systems_cannot_mean_two_things_by_one_action():
    def kind(name: str, action: Action) -> Kind:
        return Kind(name=name, target=Target, actions=(action,), build=lambda setup: None)  # type: ignore[arg-type,return-value]

    other = Action(id="service.stop", verb="stop", title="Stop", mutating=True)
    with pytest.raises(ValueError, match=r"b declares another action service\.stop"):
        built_in_actions([kind("a", actions.STOP), kind("b", other)])
    assert built_in_actions([kind("a", actions.STOP), kind("b", actions.STOP)])


@pytest.mark.attack("ASI03")
def test_a_password_is_read_from_where_the_config_says_and_never_stands_in_it(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    by_file = DatabaseTarget(executor="database", password_file=file)
    by_variable = DatabaseTarget(executor="database", password_env="DB_PASSWORD")
    unset = DatabaseTarget(executor="database", password_env="NOT_SET")
    targets = {"a": by_file, "b": by_variable, "c": unset}
    secrets, problems = target_secrets(targets, {"DB_PASSWORD": "s3cret"})
    assert {name: s["password"].get_secret_value() for name, s in secrets.items()} == {
        "a": "hunter2",
        "b": "s3cret",
    }
    assert problems == ["targets.c.password_env: NOT_SET is not set"]
    assert set(secret_variables({}, targets)) == {"DB_PASSWORD", "NOT_SET"}
    with pytest.raises(ConfigError, match="target_secrets"):
        read_config({"target_secrets": {"a": {"password": "x"}}})


def test_the_example_of_the_docs_declares_a_system(monkeypatch):
    (source,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("queue_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "docs/gateway.md", "exec"), module.__dict__)  # noqa: S102 - our own docs
    kind = module.KIND
    assert set(built_in_actions([kind])) == {"queue.purge", "queue.depth"}
    assert missing_library(kind).startswith("queue needs ticketqueue")
    target = kind.target(executor="queue", queue="mails", password_env="P")
    assert target.allows("queue.purge")
