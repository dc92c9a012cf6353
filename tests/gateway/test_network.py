"""TLS, client certificates, and whom the gateway answers at all: real certificates of openssl."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.errors import GatewayUnavailable, SettingsError
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.gateways_from_settings import gateway_accesses, named_gateway
from bot.remediation.client import ActionCall, GatewayClient
from bot.settings import load
from tests.helpers.good_settings import GOOD

from .conftest import SECRET, legacy, need

pytestmark = pytest.mark.attack("ASI07")
STATUS = ActionCall(action_id="service.status", target="checkout-api")


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder of its own."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2"),
        )

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str) -> tuple[Path, Path]:
        """Return the files of a new certificate for 127.0.0.1, and of its key."""
        self._openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        )
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-copy_extensions", "copy"),
        )
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        command = [str(shutil.which("openssl")), *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need("openssl")
    return Authority(tmp_path / "authority")


def client_of(desk, **files: Path) -> GatewayClient:
    """The bot's client, as its settings make it."""
    names = {f"AI_COMMAND_GATEWAY_{name.upper()}": str(file) for name, file in files.items()}
    ours = {"_URL": desk.url, "_SOURCE_ID": "sopbot", "_SECRET": SECRET}
    names |= {f"AI_COMMAND_GATEWAY{name}": value for name, value in ours.items()}
    settings = load({**GOOD, **names}, Path("none"))
    (access,) = gateway_accesses(settings)
    return named_gateway(access, desk.session, desk.clock).client


async def test_both_sides_show_a_certificate_and_trust_no_other(
    start, service, authority, tmp_path
):
    stranger = Authority(tmp_path / "stranger")
    certificate, key = authority.sign("gateway")
    own, own_key = authority.sign("bot")
    tls = {"certificate": str(certificate), "key": str(key), "client_ca": str(authority.file)}
    desk = await start(
        {"checkout-api": service(autostart=False)},
        signed=True,
        listen={"port": 0, "tls": tls},
        limits={"connections": 16},
    )
    assert desk.url.startswith("https://127.0.0.1:")
    good = {"ca_file": authority.file, "client_cert": own, "client_key": own_key}
    client = client_of(desk, **good)
    assert (await client.health()).status == "healthy"
    assert (await client.execute(STATUS, key="k1")).state == "succeeded"

    other, other_key = stranger.sign("bot")
    for files in (
        {},
        good | {"ca_file": stranger.file},
        {"ca_file": authority.file},
        good | {"client_cert": other, "client_key": other_key},
    ):
        with pytest.raises(GatewayUnavailable):
            await client_of(desk, **files).health()
    with pytest.raises(GatewayUnavailable, match="no certificate that is trusted"):
        await client_of(desk).health()
    with pytest.raises(SettingsError, match="cannot be used"):
        client_of(desk, **good | {"client_key": other_key})

    await _handshakes_are_bounded(desk, client)

    for old, new in zip((certificate, key), stranger.sign("gateway"), strict=True):
        shutil.copy(new, old)  # renewed, by another authority
    await desk.gateway.reload(desk.config)
    async with aiohttp.ClientSession() as desk.session:
        assert await client_of(desk, **good | {"ca_file": stranger.file}).health()
        with pytest.raises(GatewayUnavailable, match="no certificate that is trusted"):
            await client_of(desk, **good).health()


async def test_a_renewal_that_is_seen_half_way_leaves_the_old_certificate_in_use(
    start, service, authority
):
    certificate, key = authority.sign("gateway")
    tls = {"certificate": str(certificate), "key": str(key)}
    desk = await start(
        {"checkout-api": service(autostart=False)}, signed=True, listen={"port": 0, "tls": tls}
    )
    renewed, _its_key = authority.sign("renewed")
    shutil.copy(renewed, certificate)
    with pytest.raises(ConfigError, match=r"listen\.tls"):
        await desk.gateway.reload(desk.config)
    assert await client_of(desk, ca_file=authority.file).health()


async def _handshakes_are_bounded(desk, client: GatewayClient) -> None:
    parts = urlsplit(desk.url)
    async with AsyncExitStack() as silent:
        for _ in range(16):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            silent.callback(writer.close)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        assert await asyncio.wait_for(reader.read(), 5) == b"", "one more is closed at once"
        writer.close()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"HTTP/" not in await asyncio.wait_for(reader.read(), 5), "nothing without TLS"
    writer.close()
    assert await client.health()


async def test_only_declared_networks_and_names_are_answered(start, service):
    target = {"checkout-api": service(autostart=False)}
    body = legacy("checkout-api", "check container status")
    closed = await start(target, listen={"port": 0, "allow": ["10.0.0.0/8"]}, state="closed")
    for status, answer in (
        await closed.get("/health"),
        await closed.post("/execute-docker-command", body),
    ):
        assert (status, answer["error"]["code"]) == (403, "address")

    desk = await start(
        target,
        listen={"port": 0, "allow": ["::1", "127.0.0.0/8"], "hosts": ["gw.example.com"]},
        state="named",
    )
    for host, status in (
        ("127.0.0.1", 200),
        ("gw.example.com", 200),
        ("GW.example.com:8003", 200),
        ("gw.example.com.evil.test", 421),
        ("evil.test", 421),
        ("10.0.0.1", 421),
    ):
        answer = await desk.post("/execute-docker-command", body, Host=host)
        assert answer[0] == status, host
    strict = await start(
        target, signed=True, listen={"port": 0, "hosts": ["gw.example.com"]}, state="strict"
    )
    assert (await strict.get("/health", Host="evil.test"))[0] == 421
    assert (await strict.get("/health", Host="gw.example.com"))[0] == 200


def test_a_certificate_that_cannot_be_used_is_named_and_tls_allows_tokens(authority, tmp_path):
    certificate, key = authority.sign("gateway")
    listen = {"host": "::", "tls": {"certificate": str(certificate), "key": str(key)}}
    environ = {"T": "a token of the tests, long"}
    config = read_config({"listen": listen, "sources": {"s": {"token_env": "T"}}}, environ=environ)
    assert config.listen.tls.context()
    for changes in ({"key": tmp_path / "none"}, {"key": certificate}, {"client_ca": key}):
        broken = config.listen.tls.model_copy(update=changes)
        with pytest.raises(ConfigError, match=r"listen\.tls"):
            broken.context()
    with pytest.raises(ConfigError, match="must be an address or a network"):
        read_config({"listen": {"allow": ["10.0.0.0/33"]}})
