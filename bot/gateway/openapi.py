"""GET /openapi.json: the document of the gateway's endpoints, made from the models they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from bot.remediation import contract
from bot.remediation.contract import (
    ActionList,
    Answer,
    ExecuteRequest,
    ExecutionRecord,
    HealthReport,
    Plan,
)

_REF = "#/components/schemas/{model}"


class ErrorPart(BaseModel):
    """The reason for programs and for people."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """The body of every answer that is not the endpoint's own."""

    error: ErrorPart
    detail: JsonValue


class Cancelling(BaseModel):
    """The body of a cancellation that was accepted."""

    state: Literal["cancelling"]


class Dump(BaseModel):
    """The gateway's health and running executions."""

    audit: dict[str, JsonValue]
    health: HealthReport
    running: list[dict[str, JsonValue]]
    last_problems: list[JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation. `answer` is the model of its success, None for text."""

    method: Literal["get", "post"]
    path: str
    summary: str
    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    status: int = 200
    refusals: tuple[int, ...] = ()
    signed: bool = True
    parameters: tuple[dict[str, Any], ...] = ()


def _parameter(place: str, name: str, pattern: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {"in": place, "name": name, "required": required, "schema": schema}


_KEY = _parameter("path", "key", contract.KEY_PATTERN, required=True)
_KEY_HEADER = _parameter("header", contract.IDEMPOTENCY_KEY, contract.KEY_PATTERN)
_TRACKING = _parameter("header", contract.TRACKING_ID, "")
_BODY_REFUSALS = (400, 413, 415, 422)

ENDPOINTS = (
    Endpoint(
        method="get",
        path="/health",
        summary="The state of the gateway and of each target",
        answer=HealthReport,
        signed=False,
    ),
    Endpoint(method="get", path="/metrics", summary="Prometheus text", answer=None, signed=False),
    Endpoint(
        method="get", path="/openapi.json", summary="This document", answer=None, signed=False
    ),
    Endpoint(method="get", path="/dump", summary="Health and running executions", answer=Dump),
    Endpoint(method="get", path="/actions", summary="Actions and targets", answer=ActionList),
    Endpoint(
        method="post",
        path="/plan",
        summary="What an action would do; runs nothing",
        answer=Plan,
        body=ExecuteRequest,
        refusals=(*_BODY_REFUSALS, 429, 502),
        parameters=(_TRACKING,),
    ),
    Endpoint(
        method="post",
        path="/execute",
        summary="Run an approved plan",
        answer=Answer,
        body=ExecuteRequest,
        refusals=(*_BODY_REFUSALS, 409, 503),
        parameters=(_KEY_HEADER, _TRACKING),
    ),
    Endpoint(
        method="post",
        path="/execute-docker-command",
        summary="Run an action that is typed, or that a sentence names",
        answer=Answer,
        body=ExecuteRequest,
        refusals=(*_BODY_REFUSALS, 409, 503),
        parameters=(_KEY_HEADER, _TRACKING),
    ),
    Endpoint(
        method="get",
        path="/executions/{key}",
        summary="What became of an execution",
        answer=ExecutionRecord,
        refusals=(404, 422),
        parameters=(_KEY, _parameter("query", "bar", "")),
    ),
    Endpoint(
        method="post",
        path="/executions/{key}/cancel",
        summary="End a running execution half-way",
        answer=Cancelling,
        status=202,
        refusals=(400, 404, 409, 413),
        parameters=(_KEY,),
    ),
)


@cache
def document(version: str, *, signed: bool) -> Mapping[str, Any]:
    """Return the OpenAPI 3.1 document. A `signed` gateway answers 401 without a signature.

    It takes longer to make than all else that a start of the gateway does, so a process makes it
    once, when somebody asks for it.
    """
    used: dict[type[BaseModel], JsonSchemaMode] = {ErrorBody: "serialization"}
    for endpoint in ENDPOINTS:
        if endpoint.answer:
            used[endpoint.answer] = "serialization"
        if endpoint.body:
            used[endpoint.body] = "validation"
    _, definitions = models_json_schema(list(used.items()), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint, signed=signed)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sopbot gateway", "version": version},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "signature": {"type": "apiKey", "in": "header", "name": contract.SIGNATURE},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(endpoint: Endpoint, *, signed: bool) -> dict[str, Any]:
    needs_secret = signed and endpoint.signed
    refusals = {403, 421, *endpoint.refusals} | ({401} if needs_secret else set())
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "responses": {
            str(endpoint.status): _response("Done", endpoint.answer),
            **{str(status): _response("Refused", ErrorBody) for status in sorted(refusals)},
        },
    }
    if endpoint.answer is HealthReport:
        operation["responses"]["503"] = _response("Nothing can run", HealthReport)
    if endpoint.parameters:
        operation["parameters"] = list(endpoint.parameters)
    if endpoint.body:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    if needs_secret:
        operation["security"] = [{"signature": []}, {"bearer": []}]
    return operation


def _response(description: str, model: type[BaseModel] | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": description}
    return response | ({"content": _content(model)} if model else {})


def _content(model: type[BaseModel]) -> Mapping[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
