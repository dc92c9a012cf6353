"""A call of the local Slack's Web API with the tests' client, and blocks to post."""

from typing import Any

import aiohttp

from ..local import LocalSlack

JSON = dict[str, Any]
ALERTS = "C0ALERTS01"


def section(text: str) -> JSON:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(count: int, **extra: Any) -> JSON:
    label = {"type": "plain_text", "text": "Go"}
    return {
        "type": "actions",
        "elements": [
            {"type": "button", "text": label, "action_id": f"a{n}", **extra} for n in range(count)
        ],
    }


def twins() -> JSON:
    block = buttons(1)
    return {**block, "elements": block["elements"] * 2}


async def call(slack: LocalSlack, method: str, token: str | None = None, **args: Any) -> JSON:
    headers = {"Authorization": f"Bearer {token or slack.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + method, json=args, headers=headers) as answer,
    ):
        return dict(await answer.json())
