"""The HTTP server: it routes each address to its endpoint."""

import ipaddress
from typing import Any

from aiohttp import web

from .actions import Actions
from .core import Core
from .endpoints import Endpoints
from .page_answers import BASE_URL, refuse_strangers
from .page_endpoints import PageEndpoints
from .webhooks import Webhooks

JSON = dict[str, Any]

MAX_BODY = 16 * 1024 * 1024


class Server:
    """Listens on loopback only: this Slack checks no accounts and protects no secrets."""

    def __init__(self, core: Core, actions: Actions, *, host: str, port: int) -> None:
        self.webhooks = Webhooks(core)
        self._core = core
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        endpoints = Endpoints(core)
        self._page = PageEndpoints(core, actions)
        self._app = web.Application(client_max_size=MAX_BODY, middlewares=[refuse_strangers])
        self._app[BASE_URL] = lambda: core.base_url
        self._app.router.add_route("*", "/api/{method}", endpoints.api)
        self._app.router.add_get("/link/", core.links.accept)
        self._app.router.add_post("/services/{team}/{bot}/{secret}", self.webhooks.receive)
        self._app.router.add_post("/actions/{team}/{number}/{key}", endpoints.response_url)
        self._app.router.add_post("/upload/v1/{file}", endpoints.upload)
        self._app.router.add_get("/files-pri/{file}", endpoints.download)
        self._page.add_to(self._app)

    async def open(self) -> None:
        """Listen; OSError when the port is taken, ValueError when the host is not loopback."""
        if self._host != "localhost" and not ipaddress.ip_address(self._host).is_loopback:
            raise ValueError(f"host {self._host} is not loopback; use 127.0.0.1, ::1 or localhost")
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        self._site = web.TCPSite(runner, self._host, self._port)
        await self._site.start()
        address = runner.addresses[0]
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self._core.base_url = self._core.interactions.base_url = f"http://{host}:{address[1]}"

    async def go_away(self) -> None:
        """Stop listening and cut every connection: the kernel refuses new ones."""
        if self._runner is None or self._site is None:
            return
        self._port = self._runner.addresses[0][1]
        await self._site.stop()
        self._site = None
        if self._runner.server is not None:
            for connection in list(self._runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()

    async def come_back(self) -> None:
        """Listen again where it was."""
        if self._runner is not None and self._site is None:
            self._site = web.TCPSite(self._runner, self._host, self._port)
            await self._site.start()

    async def close(self) -> None:
        """Close links first, so that nobody waits for a goodbye."""
        self._page.close()
        await self._core.links.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def changed(self) -> None:
        """Tell open pages."""
        self._page.changed()
