"""Reads gateways.yaml: further gateways beside the one of the settings. Unknown keys are errors.

A secret never stands in the file: it names the file that holds it.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.declared_files import read_mapping, validate
from bot.errors import InputError
from bot.remediation.gateways import SHOWN_DEFAULT
from bot.setting_groups import sent_in_clear
from bot.setting_types import Seconds, Url
from bot.validation import form

MOST_GATEWAYS = 50

GatewayName = Annotated[
    str, form(r"[a-z0-9][a-z0-9-]{0,39}", "must be a name: a-z, 0-9 and '-', 1 to 40 of them")
]
TargetGlob = Annotated[
    str,
    form(
        r"[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,99}",
        "must be a target's name, or a glob such as payments-*",
    ),
]


class DeclaredGateway(BaseModel):
    """One gateway of gateways.yaml. What is left out is as in the settings, but no secret is.

    `targets` are the only names that it may act on, as globs; without them any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Url
    timeout: Seconds | None = Field(None, gt=0)
    source_id: str | None = Field(None, min_length=1, max_length=100)
    required: bool | None = None
    targets: tuple[TargetGlob, ...] = Field(default=(), max_length=1_000)
    secret_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.client_cert) != bool(self.client_key):
            raise ValueError("client_cert and client_key belong together")
        return self

    @model_validator(mode="after")
    def _no_downgrade(self) -> Self:
        certificates = bool(self.ca_file or self.client_cert)
        token = bool(self.token_file and not self.secret_file)
        what = sent_in_clear(self.url, certificates=certificates, token=token)
        if what == "certificates":
            raise ValueError("url is http://, so that ca_file and client_cert would not be used")
        if what:
            raise ValueError(
                "everybody on the way to an http:// address can read the token; use https://, or"
                " secret_file"
            )
        return self


def _nothing(value: Any) -> Any:
    return {} if value is None else value


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    gateways: Annotated[dict[GatewayName, DeclaredGateway], BeforeValidator(_nothing)] = Field(
        default={}, max_length=MOST_GATEWAYS
    )


def parse_gateways(text: str, *, file: str) -> dict[str, DeclaredGateway]:
    """Parse gateways.yaml's text to the gateways by name, in the file's order.

    InputError names the file, the line and the key, one problem a line.
    """
    name = PurePath(file).name
    expected = "must be a mapping with the key gateways"
    document = read_mapping(text, name, field="gateways", expected=expected)
    declared = validate(_File, document, name, field="gateways").gateways
    if SHOWN_DEFAULT in declared:
        why = f"gateways.{SHOWN_DEFAULT}: is the name of the gateway of the settings"
        raise InputError(f"{name}: {why}", field="gateways")
    return declared
