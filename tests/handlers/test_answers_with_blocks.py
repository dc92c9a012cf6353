"""An answer with blocks reaches its person, whatever blocks their Slack takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from handlers.listeners.registration import respond
from handlers.views.pages import Page

TABLE, SECTION = [{"type": "table"}], [{"type": "section"}]
PAGE = Page("2 open incidents", TABLE, SECTION)


class OldSlack:
    """Refuses these blocks, as a response URL does; remembers what it was sent."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.sent: list[tuple[str, list[dict[str, Any]] | None, bool]] = []

    async def respond(self, text: str, *, blocks: Any, replace_original: bool) -> Any:
        self.sent.append((text, blocks, replace_original))
        is_refused = any(block["type"] in self.refused for block in blocks or [])
        return SimpleNamespace(status_code=400 if is_refused else 200, body="invalid_blocks")


@pytest.mark.parametrize(
    ("refused", "forms"),
    [
        ((), [TABLE]),
        (("table",), [TABLE, SECTION]),
        (("table", "section"), [TABLE, SECTION, None]),
    ],
)
async def test_a_slack_that_refuses_the_blocks_gets_simpler_ones_then_text(
    refused: tuple[str, ...], forms: list[Any]
) -> None:
    slack = OldSlack(*refused)
    args: Any = slack
    await respond(args, PAGE, replace_original=True)
    assert slack.sent == [("2 open incidents", form, True) for form in forms]


async def test_an_answer_without_blocks_is_its_text() -> None:
    slack = OldSlack("table")
    args: Any = slack
    await respond(args, "Done.")
    assert slack.sent == [("Done.", None, False)]
