"""Bolt, without its own requests: it knows who we are, and listeners reply by the outbox."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from handlers.inbound.startup import Identity


def bolt_app(client: AsyncWebClient, identity: Identity) -> AsyncApp:
    """A Bolt app that listens to nothing yet."""
    known = AuthorizeResult(
        enterprise_id=None,
        team_id=identity.team_id,
        bot_token=client.token,
        bot_id=identity.bot_id,
        bot_user_id=identity.user_id,
    )

    async def authorize() -> AuthorizeResult:
        # We asked once, at the start: Bolt would ask Slack during the first burst of events, and
        # drop events when Slack refuses.
        return known

    # Without the token, which Bolt takes from `authorize` and warns of anywhere else.
    without_token = AsyncWebClient(
        base_url=client.base_url, session=client.session, retry_handlers=[], ssl=client.ssl
    )
    return AsyncApp(
        name="sopbot",  # else Bolt looks for one in the source files of the whole call stack
        client=without_token,
        authorize=authorize,
        request_verification_enabled=False,
    )
