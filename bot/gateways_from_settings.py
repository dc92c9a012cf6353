"""Builds the clients of the gateways: the one of the settings, and those of GATEWAYS_FILE."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp

from bot.configuration import LiveConfiguration
from bot.errors import InputError, SettingsError
from bot.gateway_file import DeclaredGateway, parse_gateways
from bot.regular_files import read_regular
from bot.remediation.client import GatewayClient
from bot.remediation.gateways import DEFAULT, SHOWN_DEFAULT, Gateways, NamedGateway
from bot.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccess:
    """The address of one gateway and the secrets for it.

    The files of `authorities` and `certificate` are read by `tls`.
    """

    name: str
    url: str
    timeout: float
    source_id: str
    required: bool
    secret: str = field(repr=False)
    token: str = field(repr=False)
    authorities: Path | None = None
    certificate: tuple[Path, Path] | None = None
    targets: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return its name for people."""
        return self.name or SHOWN_DEFAULT

    @property
    def knows_us(self) -> bool:
        """Return whether requests to it are signed or carry a token."""
        return bool(self.secret or self.token)

    def tls(self) -> ssl.SSLContext | None:
        """Return how to check its certificate; None: in the usual way.

        SettingsError: a file cannot be used.
        """
        if not (self.authorities or self.certificate):
            return None
        try:
            context = ssl.create_default_context(cafile=self.authorities)
            if self.certificate:
                context.load_cert_chain(*self.certificate)
        except OSError as error:  # also every ssl.SSLError
            why = error.strerror or type(error).__name__
            names = (
                f"GATEWAYS_FILE: {self.name}: ca_file, client_cert, client_key"
                if self.name
                else "AI_COMMAND_GATEWAY_CA_FILE, _CLIENT_CERT, _CLIENT_KEY"
            )
            raise SettingsError([f"{names}: cannot be used ({why})"]) from None
        return context


def gateway_accesses(settings: Settings) -> list[GatewayAccess]:
    """Return how to reach each gateway, that of the settings first.

    SettingsError names what is wrong with GATEWAYS_FILE, or with a file of a secret.
    """
    own = GatewayAccess(
        name=DEFAULT,
        url=settings.ai_command_gateway_url,
        timeout=settings.ai_command_gateway_timeout,
        source_id=settings.ai_command_gateway_source_id,
        required=settings.ai_command_gateway_required,
        secret=settings.ai_command_gateway_secret.get_secret_value(),
        token=settings.ai_command_gateway_token.get_secret_value(),
        authorities=settings.ai_command_gateway_ca_file,
        certificate=_pair(
            settings.ai_command_gateway_client_cert, settings.ai_command_gateway_client_key
        ),
    )
    declared = _read(settings)
    return [own, *[_access(name, gateway, own) for name, gateway in declared.items()]]


def gateway_secrets(settings: Settings) -> list[str]:
    """Return the secrets of all gateways, which no log line may hold."""
    accesses = gateway_accesses(settings)
    return [secret for access in accesses for secret in (access.secret, access.token) if secret]


def named_gateway(
    access: GatewayAccess,
    session: aiohttp.ClientSession,
    clock: Callable[[], datetime],
    *,
    traced: bool = False,
) -> NamedGateway:
    """Return the gateway with its client. SettingsError for its certificates."""
    client = GatewayClient(
        session,
        url=access.url,
        timeout=access.timeout,
        source_id=access.source_id,
        secret=access.secret,
        token=access.token,
        tls=access.tls(),
        clock=clock,
        traced=traced,
    )
    return NamedGateway(client, access.name, access.required, access.targets)


def gateways_of(
    settings: Settings,
    accesses: Sequence[GatewayAccess],
    session: aiohttp.ClientSession,
    clock: Callable[[], datetime],
    config: LiveConfiguration,
) -> Gateways:
    """Return all gateways, routed by what they offer. SettingsError for a certificate.

    A warning names each that cannot know that a request is ours.
    """
    for access in accesses:
        if not access.knows_us:
            own = "AI_COMMAND_GATEWAY_SECRET"
            where = f"GATEWAYS_FILE: {access.name}: secret_file" if access.name else own
            log.warning("%s is empty: requests to the gateway are unsigned", where)
    traced = bool(settings.otel_exporter_otlp_endpoint)
    named = [named_gateway(access, session, clock, traced=traced) for access in accesses]
    return Gateways(named, lambda: config.offers)


def longest_timeout(accesses: Iterable[GatewayAccess]) -> float:
    """Return the longest time in seconds that an answer of a gateway may take."""
    return max(access.timeout for access in accesses)


def _read(settings: Settings) -> dict[str, DeclaredGateway]:
    """Return what GATEWAYS_FILE declares; nothing if the default file does not exist."""
    path = settings.gateways_file
    if not path.exists() and "gateways_file" not in settings.model_fields_set:
        return {}
    try:
        text = read_regular(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"GATEWAYS_FILE: {path} cannot be read"]) from error
    try:
        return parse_gateways(text, file=str(path))
    except InputError as error:
        raise SettingsError(
            [f"GATEWAYS_FILE: {line}" for line in error.message.splitlines()]
        ) from (error)


def _access(name: str, declared: DeclaredGateway, own: GatewayAccess) -> GatewayAccess:
    return GatewayAccess(
        name=name,
        url=declared.url,
        timeout=own.timeout if declared.timeout is None else declared.timeout,
        source_id=declared.source_id or own.source_id,
        required=own.required if declared.required is None else declared.required,
        secret=_secret(name, declared.secret_file),
        token=_secret(name, declared.token_file),
        authorities=declared.ca_file,
        certificate=_pair(declared.client_cert, declared.client_key),
        targets=declared.targets,
    )


def _pair(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    return (certificate, key) if certificate and key else None


def _secret(name: str, path: Path | None) -> str:
    """Return the secret in the file; '' if none is named. SettingsError: it cannot be used."""
    if path is None:
        return ""
    try:
        secret = read_regular(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"GATEWAYS_FILE: {name}: {path} cannot be read"]) from error
    if not secret:
        raise SettingsError([f"GATEWAYS_FILE: {name}: {path} is empty"])
    return secret
