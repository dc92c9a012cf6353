"""Reads the secrets of callers and targets from where the config says: none stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.gateway.parts import Target
from bot.regular_files import read_regular

MIN_SECRET_CHARS = 16


# The names under which a source can have a secret, as `<name>_env` or `<name>_file`.
_SIGNING = ("secret", "previous_secret")
_TOKENS = ("token", "previous_token")
_KINDS = (_SIGNING, _TOKENS)


@dataclass(frozen=True, slots=True)
class Callers:
    """The secrets that identify callers, each with its source id; a source may have two of a kind.

    `signing` holds the keys of signatures, `tokens` the bearer tokens. No two are the same.
    """

    signing: tuple[tuple[str, SecretStr], ...] = ()
    tokens: tuple[tuple[str, SecretStr], ...] = ()

    def __bool__(self) -> bool:
        """Return True if a caller must identify itself."""
        return bool(self.signing or self.tokens)

    def values(self) -> list[str]:
        """Return the secrets themselves, which no log line may hold."""
        return [secret.get_secret_value() for _, secret in (*self.signing, *self.tokens)]


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
) -> tuple[Callers, list[str]]:
    """Return the callers' secrets, and one line for each problem."""
    kept: dict[str, list[tuple[str, SecretStr]]] = {name: [] for name in (*_SIGNING, *_TOKENS)}
    problems: list[str] = []
    owners: dict[str, str] = {}
    with_secret: set[str] = set()
    for source, entry in sources.items():
        for name in kept:
            try:
                secret, where = secret_of(entry, name, f"sources.{source}", environ)
            except SecretProblem as problem:
                problems.append(str(problem))
                with_secret.add(source)
                continue
            if not secret:
                continue
            with_secret.add(source)
            # The secret that verifies a request identifies its source, so no two may be the same.
            if owner := owners.get(secret):
                whose = "another secret of this source" if owner == source else "another source's"
                problems.append(f"{where} is {whose} too; give each its own")
            elif len(secret) < MIN_SECRET_CHARS:
                problems.append(f"{where} must hold at least {MIN_SECRET_CHARS} characters")
            kept[name].append((source, SecretStr(secret)))
            owners.setdefault(secret, source)
    if with_secret:
        bare = sources.keys() - with_secret
        problems += [f"sources.{s}: has no secret, others have" for s in sorted(bare)]
    signing, tokens = (tuple(e for name in names for e in kept[name]) for names in _KINDS)
    return Callers(signing, tokens), problems


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
        for name in (*_SIGNING, *_TOKENS):
            if variable := getattr(entry, f"{name}_env"):
                yield variable
    for config in targets.values():
        for name in config.secret_names:
            if variable := getattr(config, f"{name}_env"):
                yield variable
