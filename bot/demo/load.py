"""The shop's customers: they order all the time, fast in the rush and slowly after it."""

import asyncio

import aiohttp

RUSH = 30.0  # orders a second: the service fails after about two
CALM = 0.4  # … after about three minutes


class Load:
    """Orders until cancelled, `pace` times a second."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.pace = RUSH
        self._session = session
        self._url = url

    def calm_down(self) -> None:
        """End the rush."""
        self.pace = CALM

    async def run(self) -> None:
        """Order for ever. A refused order is the service's problem, not ours."""
        while True:
            try:
                async with self._session.get(self._url) as answer:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(1 / self.pace)
