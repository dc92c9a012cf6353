"""The few calls of the Docker Engine API that the gateway makes, and their errors."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import aiohttp
from pydantic import AfterValidator
from yarl import URL

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.bodies import begin_of
from bot.gateway.executors.remote import label

_BODY_BYTES = 1_048_576
_FRAME_HEADER = 8
_STDERR = 2


def _docker_url(value: str) -> str:
    url = URL(value)
    if not (
        (url.scheme == "unix" and url.path.startswith("/")) or (url.scheme == "http" and url.host)
    ):
        raise ValueError("must be unix:///path/to.sock or http://host:port")
    return value


DockerUrl = Annotated[str, AfterValidator(_docker_url)]


class Engine:
    """One engine, at unix:///path or http://host:port. Close it when done."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        address = URL(url)
        self._shown = url
        self._timeout = timeout_seconds
        if address.scheme == "unix":
            self._base = URL("http://docker")
            connector: aiohttp.BaseConnector = aiohttp.UnixConnector(path=address.path)
        else:
            self._base = address.origin()
            connector = aiohttp.TCPConnector()
        self._session = aiohttp.ClientSession(connector=connector)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def version(self) -> str:
        """The engine's version. ExecutorError DOCKER_UNREACHABLE when it does not answer."""
        return str(_object(await self.ask("GET", "/version")).get("Version", "unknown"))

    async def container(self, name: str) -> dict[str, Any]:
        """Return the engine's data of the container of exactly this name.

        The engine also takes an id or its beginning; those are refused here. Otherwise a config's
        `cafe` could mean the container whose id begins with it.
        """
        container = _object(await self.ask("GET", f"/containers/{quote(name, safe='')}/json"))
        if container.get("Name") != f"/{name}":
            raise ExecutorError("NO_CONTAINER", f"No such container: {name}")
        return container

    async def json(self, method: Literal["GET"], path: str) -> dict[str, Any]:
        """Return the object in the answer. Raises ExecutorError when there is none."""
        return _object(await self.ask(method, path))

    async def items(self, path: str) -> list[dict[str, Any]]:
        """Return the list of objects in the answer to a GET; an answer over 1 MiB is an error."""
        try:
            value = json.loads(await self.ask("GET", path))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ExecutorError("DOCKER_UNREADABLE", "Docker answered with something unreadable")
        return value

    async def ask(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        extra_seconds: float = 0,
        body: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body of a 2xx answer, at most 1 MiB of it. `body` is sent as JSON.

        ExecutorError: the request was refused or not sent. OutcomeLost: one that changes something
        was sent and not answered.
        """
        limits = aiohttp.ClientTimeout(
            total=self._timeout + extra_seconds, sock_connect=self._timeout / 2
        )
        try:
            async with self._session.request(
                method,
                self._base.join(URL(path, encoded=True)),
                timeout=limits,
                allow_redirects=False,
                json=body,
            ) as response:
                answer, _is_cut = await begin_of(response, _BODY_BYTES)
                if not 200 <= response.status < 300:
                    raise _refusal(response.status, answer)
                return answer
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ExecutorError(
                "DOCKER_UNREACHABLE", f"Docker cannot be reached at {self._shown}"
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"Docker did not answer {method} {path} ({type(error).__name__})"
            if method != "GET":
                raise OutcomeLost(f"{message}; it may have been done") from error
            raise ExecutorError("DOCKER_UNREACHABLE", message) from error


def demultiplexed(data: bytes) -> tuple[str, str]:
    """Split Docker's framed log stream into (stdout, stderr); a cut last frame is kept in part.

    Frame: one byte stream, three zero bytes, four bytes length (big endian), payload. See
    https://docs.docker.com/reference/api/engine/ under ContainerAttach.
    """
    streams = {1: bytearray(), _STDERR: bytearray()}
    position = 0
    while position + _FRAME_HEADER <= len(data):
        stream, length = struct.unpack_from(">BxxxL", data, position)
        position += _FRAME_HEADER
        streams.get(stream, streams[1]).extend(data[position : position + length])
        position += length
    return streams[1].decode(errors="replace"), streams[_STDERR].decode(errors="replace")


def _refusal(status: int, body: bytes) -> ExecutorError:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = body.decode(errors="replace")
    code = "NO_CONTAINER" if status == 404 else "DOCKER_REFUSED"
    return ExecutorError(code, f"Docker answered {status}: {label(message, 600)}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ExecutorError("DOCKER_UNREADABLE", "Docker answered with something unreadable")
    return value
