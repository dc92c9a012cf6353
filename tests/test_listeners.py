"""Bolt hands None to a parameter it does not know: every listener asks for known names only."""

import inspect
from datetime import UTC, datetime

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from handlers.listeners.context import SERVICES

# What Bolt itself hands over, by name.
BOLTS = frozenset(AsyncArgs.__annotations__) | {"next", "error"}


@pytest.fixture
def app():
    async def authorize():
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1")

    app = AsyncApp(
        client=AsyncWebClient(token="xoxb-1", base_url="http://127.0.0.1:9/"),
        authorize=authorize,
        request_verification_enabled=False,
    )
    handlers.register(
        app, service=None, outbox=None, home_tabs=None, clock=lambda: datetime.now(UTC)
    )
    return app


def listeners(app):
    results = []
    for listener in app._async_listeners:
        results += [listener.ack_function.handler, *listener.lazy_functions]
    results += [m.func for m in app._async_middleware_list if hasattr(m, "func")]
    return results


async def test_every_listener_asks_only_for_names_that_somebody_provides(app):
    registered = listeners(app)
    assert len(registered) > 10, (
        "the listeners of handlers.register were not found; has Bolt changed?"
    )
    for function in registered:
        results = set(inspect.signature(function).parameters)
        unknown = results - BOLTS - set(SERVICES)
        assert not unknown, (
            f"{function.__module__}.{function.__qualname__} asks for {unknown}: Bolt would hand it"
            " None. Add the service to handlers/listeners/context.py, or mend the name."
        )


async def test_no_service_takes_a_name_that_bolt_keeps_for_itself(app):
    taken = set(SERVICES) & BOLTS
    assert not taken, f"Bolt overwrites {taken} in the context; choose other names in context.py"


async def test_every_action_and_view_we_listen_to_is_our_own(app):
    from handlers.listeners import incidents

    source = "".join(
        inspect.getsource(module)
        for module in (handlers.approvals, handlers.incidents, handlers.commands)
    )
    for word in ('listeners.action("', 'listeners.opener("', 'listeners.view("'):
        for part in source.split(word)[1:]:
            assert part.startswith("sopbot."), part[:40]
    assert incidents.LINKS.pattern.startswith("sopbot")
