"""Conditions of outbox rows that a test waits for, and a refusal by Slack."""

from __future__ import annotations

from aiohttp import web


def refusal(error):
    return web.json_response({"ok": False, "error": error})


async def shown(desk, number):
    row = await desk.store.outbox_message(f"card:{number}")
    return row.sent_version == row.desired_version


async def tried(desk, number, times):
    row = await desk.store.outbox_message(f"card:{number}")
    return row if row.attempts >= times or row.given_up_at else None
