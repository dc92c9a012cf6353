"""A listing of Slack is read page by page, and to its end."""

from itertools import pairwise

import pytest

from bot.errors import OutcomeUnknown
from handlers.outbound.posted_messages import MOST_PAGES, pages


class Listing:
    """A Slack that lists pages; after the last one it returns `then` as the cursor, without end."""

    def __init__(self, cursors, then=""):
        self._following = dict(pairwise(["", *cursors, then]))
        self._then = then
        self.cursors = []

    async def __call__(self, method, *, cursor, **where):
        self.cursors.append(cursor)
        following = self._following.get(cursor, self._then)
        return {
            "messages": [{"ts": cursor or "first"}],
            "response_metadata": {"next_cursor": following},
        }


async def read(listing):
    listed = []
    async for page, _ in pages(listing, "conversations_history"):
        listed += [message["ts"] for message in page]
    return listed


async def test_every_page_is_read_once():
    listing = Listing(["a", "b"])
    assert await read(listing) == ["first", "a", "b"]


@pytest.mark.parametrize("then", ["a", "b", "c"])
async def test_a_cursor_that_leads_back_ends_the_list(then):
    listing = Listing(["a", "b", "c"], then)
    assert await read(listing) == ["first", "a", "b", "c"]
    assert listing.cursors == ["", "a", "b", "c"]


async def test_a_list_without_an_end_is_an_error_and_not_read_for_ever():
    cursors = []

    async def endless(method, *, cursor):
        cursors.append(cursor)
        return {"response_metadata": {"next_cursor": f"page {len(cursors)}"}}

    with pytest.raises(OutcomeUnknown, match="more than 2000 pages"):
        await read(endless)
    assert len(cursors) == MOST_PAGES
