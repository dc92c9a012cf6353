"""Reads the secrets of callers and targets from where the config says: none stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.gateway.parts import Target
from bot.regular_files import read_regular

MIN_SECRET_CHARS = 16


class SecretProblem(Exception):
    """The config names a secret that cannot be used; the message begins with its field."""


def secret_of(part: Any, name: str, field: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the secret that `part` names as `<name>_env` or `<name>_file`, and the field it is in.

    Both are '' if the part names none. SecretProblem: it names one that cannot be read.
    """
    variable: str | None = getattr(part, f"{name}_env")
    file: Path | None = getattr(part, f"{name}_file")
    if variable and file:
        raise SecretProblem(f"{field}: give {name}_env or {name}_file, not both")
    if variable:
        where = f"{field}.{name}_env: {variable}"
        if secret := environ.get(variable, ""):
            return secret, where
        raise SecretProblem(f"{where} is not set")
    if file:
        where = f"{field}.{name}_file: {file}"
        try:
            secret = read_regular(file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretProblem(f"{where} cannot be read ({type(error).__name__})") from None
        if secret:
            return secret, where
        raise SecretProblem(f"{where} is empty")
    return "", ""


def source_secrets(
    sources: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, SecretStr], list[str]]:
    """Return the callers' secrets, and one line for each problem."""
    secrets: dict[str, SecretStr] = {}
    problems: list[str] = []
    unsigned: list[str] = []
    for source, entry in sources.items():
        try:
            secret, where = secret_of(entry, "secret", f"sources.{source}", environ)
        except SecretProblem as problem:
            problems.append(str(problem))
            continue
        if not secret:
            unsigned.append(source)
        elif len(secret) < MIN_SECRET_CHARS:
            problems.append(f"{where} must hold at least {MIN_SECRET_CHARS} characters")
        # The secret that verifies a request identifies its source, so two sources cannot share one.
        elif any(secret == other.get_secret_value() for other in secrets.values()):
            problems.append(f"{where} is another source's secret too; give each its own")
        else:
            secrets[source] = SecretStr(secret)
    if secrets:
        problems += [f"sources.{source}: has no secret, others have" for source in unsigned]
    return secrets, problems


def target_secrets(
    targets: Mapping[str, Target], environ: Mapping[str, str]
) -> tuple[dict[str, dict[str, SecretStr]], list[str]]:
    """Return the secrets of each target by name, and one line for each problem."""
    secrets: dict[str, dict[str, SecretStr]] = {}
    problems: list[str] = []
    for target, config in targets.items():
        for name in config.secret_names:
            try:
                secret, _ = secret_of(config, name, f"targets.{target}", environ)
            except SecretProblem as problem:
                problems.append(str(problem))
                continue
            if secret:
                secrets.setdefault(target, {})[name] = SecretStr(secret)
    return secrets, problems


def secret_variables(sources: Mapping[str, Any], targets: Mapping[str, Target]) -> Iterator[str]:
    """Name every environment variable that holds a secret of this config."""
    for entry in sources.values():
        if entry.secret_env:
            yield entry.secret_env
    for config in targets.values():
        for name in config.secret_names:
            if variable := getattr(config, f"{name}_env"):
                yield variable
