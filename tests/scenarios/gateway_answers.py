"""Requests and answers of the gateway that a proxy drops."""

from __future__ import annotations

from aiohttp import web


def is_look_up(path: str) -> bool:
    return path.startswith("/executions/")


async def never_answers(request: web.Request) -> bool:
    return request.path != "/execute" and not is_look_up(request.path)
