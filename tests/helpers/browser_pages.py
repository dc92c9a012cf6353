"""Chromium, and the pages of the local Slack in it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, ViewportSize, async_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
IS_INSTALLED = Path(CHROMIUM).exists()
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser; it calls nobody by itself."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        await browser.close()
