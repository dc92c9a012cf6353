"""pydantic's own sentences reach nobody: one module has words for all of its errors."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorType
from pydantic_core._pydantic_core import list_all_errors

from bot.errors import InputError
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.incidents.sops import SopLibrary
from bot.policy import parse_policy, parse_roles
from bot.remediation.answers import rejection
from bot.remediation.catalogue import propose
from bot.validation import field_problems, form, in_file, reason_of
from bot.yaml_text import YamlProblem, read_yaml

VALIDATORS_WORDS = re.compile(
    r"\binput\b|field required|extra inputs|should (be|have|match)|valid (string|integer|dictionary"
    r"|number|list|boolean|tuple|url|datetime)|unable to parse|pydantic|value error|\{|\}|None",
    re.IGNORECASE,
)
"""Words of pydantic, and the remains of a template that was not filled in."""

KINDS = {entry["type"]: entry.get("example_context") or {} for entry in list_all_errors()}


def test_this_test_knows_every_kind_of_error_that_pydantic_has() -> None:
    assert set(KINDS) == set(get_args(ErrorType))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_error_is_told_in_our_own_words(kind: str) -> None:
    context = dict(KINDS[kind])
    if kind in ("value_error", "assertion_error"):
        context["error"] = "must be even"
    try:
        error = ValidationError.from_exception_data(
            "Model", [{"type": kind, "loc": ("field",), "input": "s3cret", "ctx": context}]
        )
    except TypeError:  # pydantic only makes it itself, of a context that holds an exception
        error = ValidationError.from_exception_data(
            "Model",
            [
                {
                    "type": kind,
                    "loc": ("field",),
                    "input": "s3cret",
                    "ctx": {**context, "error": ValueError("must be even")},
                }
            ],
        )
    [problem] = field_problems(error)
    assert problem.field == "field"
    assert problem.reason.strip(), kind
    assert not VALIDATORS_WORDS.search(problem.reason), f"{kind}: {problem.reason}"
    assert "s3cret" not in str(problem)


def test_a_kind_that_only_a_newer_pydantic_has_shows_none_of_its_words() -> None:
    assert reason_of("quantum_type", {"error": "Input should be a quantum"}) is None


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["inner"] = "inner"
    size: int = Field(default=1, ge=1)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, form(r"[a-z]+", "must be lower case letters")]
    inners: dict[str, Inner] = Field(default_factory=dict)
    value: str | int | float | bool = ""
    token: SecretStr = SecretStr("")


def problems(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return list(map(str, field_problems(caught.value, Outer)))


EITHER = (
    "value: must be text, or must be a whole number, or must be a number, or must be true or false"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, ["name: required"]),
        ({"name": "A"}, ["name: must be lower case letters"]),
        ({"name": "a\n"}, ["name: must be lower case letters"]),
        ({"name": "a", "nam": 1}, ["nam: not a known key; did you mean name?"]),
        (
            {"name": "a", "zzzz": 1},
            ["zzzz: not a known key; known: name, inners, value, token"],
        ),
        (
            {"name": "a", "inners": {"x": {"sise": 1}}},
            ["inners.x.sise: not a known key; did you mean size?"],
        ),
        ({"name": "a", "inners": {"x": {"size": 0}}}, ["inners.x.size: must be at least 1"]),
        ({"name": "a", "inners": {3: {}}}, ["inners.3: must be text"]),
        (
            {"name": "a", "value": []},
            [EITHER],
        ),
        ({"name": "a", "token": ["s3cret"]}, ["token: must be text"]),
        (["s3cret"], ["must be a mapping"]),
    ],
)
def test_each_problem_names_its_field_and_what_is_expected(value: object, says: list[str]) -> None:
    assert problems(value) == says


@pytest.mark.parametrize(("minimum", "says"), [(1, "is empty"), (2, "must have at least 2 items")])
def test_a_list_that_is_too_short_says_how_long_it_must_be(minimum: int, says: str) -> None:
    adapter = TypeAdapter(Annotated[list[int], Field(min_length=minimum)])
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python([])
    assert in_file("x.yaml", field_problems(caught.value)) == [f"x.yaml: {says}"]


@pytest.mark.parametrize(
    ("value", "says"),
    [("", "is empty"), ("abcd", "must have at most 3 characters"), (7, "must be text")],
)
def test_a_text_of_another_length_is_told_its_length_and_not_that_it_is_no_text(
    value: object, says: str
) -> None:
    adapter = TypeAdapter(Annotated[str, Field(min_length=1, max_length=3)])
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    assert in_file("x.yaml", field_problems(caught.value)) == [f"x.yaml: {says}"]


# Every file that an operator writes, and what a person types, through the same words.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "correlate:\n  card_update_seconds: 1\nremediate:\n  aprovers: [U0ANA]",
            "policy.yaml:4: remediate.aprovers: not a known key; did you mean approvers?",
        ),
        (
            "remediate:\n  approvers:\n    - U0ANA\n    - ana",
            "policy.yaml:2: remediate.approvers.1: must be the Slack id of a person",
        ),
        (
            "remediate:\n  rules:\n    - risk_at_least: low\n    - aprovers: []",
            "policy.yaml:4: remediate.rules.1.aprovers: not a known key; did you mean approvers?",
        ),
        (
            "remediate:\n\n  approvals_required: many",
            "policy.yaml:3: remediate.approvals_required: must be a whole number",
        ),
    ],
)
def test_the_policy_names_the_line_and_the_key_that_was_meant(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="policy.yaml")
    assert caught.value.message.startswith(says)
    assert not VALIDATORS_WORDS.search(caught.value.message)


def test_the_roles_name_the_line() -> None:
    with pytest.raises(InputError) as caught:
        parse_roles("sre: [U0ANA]\nOPS: [U0BEN]\n", file="approvers.yaml")
    assert caught.value.message.startswith("approvers.yaml:2: OPS: a role's name is lower case")


def test_a_role_that_becomes_three_people_moves_no_line() -> None:
    text = "remediate:\n  approvers:\n    - sre\n    - ops\n    - ben\n"
    roles = {"sre": ("U0ANA", "U0BEN", "U0CLEO"), "ops": ("U0DAN",)}
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="policy.yaml", roles=roles)
    assert caught.value.message.startswith("policy.yaml:2: remediate.approvers.4: ")


def test_the_gateways_file_names_the_line() -> None:
    text = "listen:\n  port: 70000\ntargets:\n  web:\n    executor: process\n    argv: []\n"
    document = read_yaml(text)
    with pytest.raises(ConfigError) as caught:
        read_config(document.value, name="gateway.yaml", line_of=document.line_of)
    assert caught.value.problems == [
        "gateway.yaml:2: listen.port: must be at most 65535",
        "gateway.yaml:6: targets.web.process.argv: is empty",
    ]


def test_an_sop_names_its_key_in_our_words() -> None:
    loaded = SopLibrary.load([("a.jsonl", '{"sop_id": "a", "comand": ["x"]}')])
    assert [str(problem) for problem in loaded.problems] == [
        "a.jsonl:1: comand: not a known key; did you mean command?"
    ]


def test_a_person_who_names_no_target_is_told_to_name_one() -> None:
    with pytest.raises(InputError) as caught:
        propose("service.restart", {})
    assert str(caught.value) == (
        "A target is required. Name the service, as in `restart checkout-api`."
    )


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"type": "missing", "loc": ["body", "action"], "msg": "Field required"}, "required"),
        (
            {"type": "value_error.missing", "loc": ["action"], "msg": "field required"},
            "required",
        ),
        (
            {
                "type": "greater_than_equal",
                "loc": ["action"],
                "msg": "Input should be greater than or equal to 1",
                "ctx": {"ge": 1},
            },
            "must be at least 1",
        ),
        ({"type": "our_own", "loc": ["action"], "msg": "no such action"}, "no such action"),
    ],
)
def test_what_a_gateway_of_another_make_refuses_is_told_in_our_words(
    item: dict[str, object], says: str
) -> None:
    message = rejection(422, json.dumps({"detail": [item]}).encode())
    assert message == f"The gateway answered 422: action: {says}"


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [", "f.yaml:1: not YAML"), ("a: 1\na: 2", "f.yaml:2: a is there twice")],
)
def test_what_is_not_yaml_is_named_by_its_line(text: str, says: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        read_yaml(text)
    assert caught.value.at("f.yaml") == says
