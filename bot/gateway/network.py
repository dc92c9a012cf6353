"""The part of the config that says where the gateway listens, and whom it answers there."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, Field

from bot.gateway.errors import ConfigError, Refusal
from bot.gateway.parts import Part
from bot.serving.hosts import is_local_name, is_loopback
from bot.validation import form


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("must be an address or a network such as 10.0.0.0/8") from None


Network = Annotated[str, AfterValidator(_network)]
HostName = Annotated[
    str, form(r"[A-Za-z0-9.:\[\]-]{1,253}", "must be a host name or an address, without a port")
]


class Tls(Part):
    """The certificate of the gateway. With `client_ca` every caller needs one of that authority."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return the server's context. ConfigError: a file cannot be used."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load(context)
        if self.client_ca:
            try:
                context.load_verify_locations(cafile=self.client_ca)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError([f"listen.tls.client_ca: {_why(error)}"]) from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Read certificate and key again: new connections get them.

        ConfigError as above; then `context` keeps those that it has.
        """
        try:
            # A certificate and a key that do not fit would leave `context` without a key.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError([f"listen.tls: {_why(error)}"]) from None


class Listen(Part):
    """Address of the gateway; port 0 means a free one.

    `allow` are the networks whose requests are answered, `hosts` the names by which the gateway is
    called; empty means all of them. `Visitors` has more limits for a gateway without secrets.
    """

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8003, ge=0, le=65535)
    tls: Tls | None = None
    allow: list[Network] = Field(default_factory=list, max_length=1000)
    hosts: list[HostName] = Field(default_factory=list, max_length=100)

    @property
    def loopback(self) -> bool:
        """Return True if only this machine can reach the gateway."""
        return is_loopback(self.host)


class Visitors:
    """Refuses requests by the address that they come from and by the name that they call."""

    def __init__(self, listen: Listen, *, unsigned: bool) -> None:
        self._networks = [ipaddress.ip_network(network) for network in listen.allow]
        self._hosts = frozenset(host.lower() for host in listen.hosts)
        self._unsigned = unsigned

    def check(self, request: web.Request) -> None:
        """Refusal 403 for another address, 421 for another name.

        An unsigned gateway answers only to this machine's own names and to those of its config:
        otherwise a web page could map its own name to this address (DNS rebinding), and then send
        any request.
        """
        if self._networks and not _is_in(request.remote or "", self._networks):
            raise Refusal(403, "address", "This gateway does not answer this address.")
        if self._hosts and _name_of(request.host) in self._hosts:
            return
        if (self._unsigned or self._hosts) and not is_local_name(request.host):
            raise Refusal(
                421,
                "misdirected",
                "This gateway answers only to 127.0.0.1, [::1], localhost and its listen.hosts.",
            )


def _is_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def _name_of(host: str) -> str:
    """Return the Host header in lower case without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _why(error: OSError) -> str:
    return f"a file cannot be used ({error.strerror or type(error).__name__})"
