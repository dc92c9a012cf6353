"""The sources of settings for pydantic-settings, and the names that are no settings.

The first match wins: the environment, a secret's file named there, `.env`, a secret's file named
there, then the names of the tools that sopbot replaces.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from bot.regular_files import read_regular

_OURS = ("AUDIT_", "SLACK_", "AI_COMMAND_GATEWAY_", "QCHAT_", "ADVISOR_", "STORE_", "NATS_")
_TRUE = ("1", "true", "yes", "on")

Variables = Mapping[str, str | None]
"""Names in lower case, as pydantic-settings keeps them."""


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """Replaces a secret whose file cannot be read; no validator accepts it."""

    variable: str
    reason: str


class SecretFiles(PydanticBaseSettingsSource):
    """NAME_FILE is the path of a file that holds the secret NAME."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Variables) -> None:
        super().__init__(settings_cls)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's text without surrounding white space; None if no file is named."""
        variable = f"{field_name}_file"
        path = self._variables.get(variable)
        if field.annotation is not SecretStr or not path:
            return None, field_name, False
        try:
            return read_regular(Path(path)).strip(), field_name, False
        except UnicodeDecodeError:
            return UnreadableFile(variable.upper(), "it is not UTF-8 text"), field_name, False
        except OSError as error:
            return UnreadableFile(variable.upper(), str(error.strerror)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return every secret that comes from a file."""
        return _values(self, self.settings_cls)


class FamiliarNames(PydanticBaseSettingsSource):
    """Names of the Q adapter and of qproxy, if they have a meaning here."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Variables) -> None:
        super().__init__(settings_cls)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic's signature
        """Return the value of the familiar name; None without one."""
        if field_name == "log_level" and any(map(self._is_on, ("qchat_debug", "qchat_verbose"))):
            return "DEBUG", field_name, False
        if field_name == "sop_dir":
            return self._variables.get("qproxy_sop_dir"), field_name, False
        address = self._variables.get("qproxy_http_addr")
        if field_name == "http_addr" and address:
            # There `:8080` means every interface; ours must state that, and needs a token.
            host = "0.0.0.0" if address[0] == ":" else ""  # noqa: S104 - the operator requested it
            return f"{host}{address}", field_name, False
        return None, field_name, False

    def _is_on(self, name: str) -> bool:
        return (self._variables.get(name) or "").lower() in _TRUE

    def __call__(self) -> dict[str, Any]:
        """Return every setting that a familiar name sets."""
        return _values(self, self.settings_cls)


HONOURED = ("QCHAT_DEBUG", "QCHAT_VERBOSE", "QPROXY_HTTP_ADDR", "QPROXY_SOP_DIR")
WITHOUT_EFFECT = {
    "QCHAT_BUFFER_SIZE": "the advisor's output is read as it comes",
    "QCHAT_POLL_INTERVAL": "nothing is polled: the advisor's exit is noticed as it happens",
    "HEALTH_CHECK_ENABLED": "health is always checked, because readiness depends on it",
    "QPROXY_SOPMAP_PATH": "SOP IDs are kept in the store, see STORE_URL",
    "QPROXY_SOP_ENABLED": "SOPs are always used; an empty SOP_DIR has none",
    "QPROXY_WS_": "the advisor is a command, not a WebSocket: see ADVISOR_COMMAND",
    "QPROXY_POOL_SIZE": "see QCHAT_MAX_CONCURRENT",
    "QPROXY_": "it belongs to qproxy",
    "RALPH_": "it belongs to Ralph; see ADVISOR_COMMAND and QCHAT_TIMEOUT",
}
"""Accepted with a warning; a key that ends in `_` is a prefix, and the first that fits is used."""


class UnknownNames(PydanticBaseSettingsSource):
    """Returns misspelt names unchanged: the model forbids extra values, so each is an error.

    `.env` belongs to sopbot, so any unknown name there is an error; in the environment only similar
    names are.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        known: Iterable[str],
        environment: Variables,
        file: Variables,
    ) -> None:
        super().__init__(settings_cls)
        self._known = frozenset(known)
        self._environment = environment
        self._file = file

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic's signature
        """Return nothing: this source sets no field."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the unknown names, without their values."""
        unknown = [name for name in self._file if not self._is_known(name.upper())]
        unknown += [name for name in self._environment if self._is_misspelt(name.upper())]
        return dict.fromkeys(unknown, "")

    def _is_known(self, name: str) -> bool:
        return name in self._known or name in HONOURED or bool(_reason(name))

    def _is_misspelt(self, name: str) -> bool:
        if self._is_known(name):
            return False
        return name.startswith(_OURS) or bool(closest(name, self._known, 0.9))


def sources(
    settings_cls: type[BaseSettings],
    known: Iterable[str],
    arguments: PydanticBaseSettingsSource,
    environment: PydanticBaseSettingsSource,
    file: PydanticBaseSettingsSource,
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Return every source, in the order in which they win.

    `arguments` are the keyword arguments of the model: `environ` there replaces the environment.
    """
    assert isinstance(arguments, InitSettingsSource)  # noqa: S101 - for the type checker
    assert isinstance(environment, EnvSettingsSource)  # noqa: S101 - pydantic builds them
    assert isinstance(file, DotEnvSettingsSource)  # noqa: S101 - pydantic builds them
    if "environ" in arguments.init_kwargs:
        environment.env_vars = lower_case(arguments.init_kwargs["environ"])
    both = {**file.env_vars, **environment.env_vars}
    of_file = (file, SecretFiles(settings_cls, file.env_vars)) if file.env_vars else ()
    return (
        environment,
        SecretFiles(settings_cls, environment.env_vars),
        *of_file,
        FamiliarNames(settings_cls, both),
        UnknownNames(settings_cls, known, environment.env_vars, file.env_vars),
    )


def lower_case(variables: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables as pydantic-settings keeps them."""
    return {name.lower(): value for name, value in variables.items()}


def without_effect(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a line for each name that is accepted and has no effect here; `known` are settings."""
    return [
        f"{name} has no effect: {reason}"
        for name in sorted({name.upper() for name in names} - {*HONOURED, *known})
        if (reason := _reason(name))
    ]


def closest(name: str, known: Iterable[str], cutoff: float) -> str:
    """Return the known name most similar to `name`; '' without a similar one."""
    return next(iter(difflib.get_close_matches(name, list(known), 1, cutoff)), "")


def _reason(name: str) -> str:
    return next(
        (
            reason
            for key, reason in WITHOUT_EFFECT.items()
            if name == key or (key.endswith("_") and name.startswith(key))
        ),
        "",
    )


def _values(source: PydanticBaseSettingsSource, settings_cls: type[BaseSettings]) -> dict[str, Any]:
    values = (
        (name, source.get_field_value(field, name)[0])
        for name, field in settings_cls.model_fields.items()
    )
    return {name: value for name, value in values if value is not None}
