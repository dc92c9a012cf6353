"""Registers listeners with Bolt, so that Slack gets its acknowledgement in time in every case.

If a listener fails within 10 ms of its acknowledgement, Bolt forgets that acknowledgement and calls
the next listener that matches. So no listener acknowledges, and none raises into Bolt: each is
registered here, by the kind of answer that Slack waits for.

| registered by | Slack gets its answer | an error, or the listener's return value, goes |
|---|---|---|
| `action` | before the listener runs | to that person alone, in the place |
| `shortcut` | before the listener runs | to that person alone, by its URL or in a modal |
| `opener` (modal) | when it is open, or after ANSWER_WITHIN | to that person alone, in the place |
| `command` | with the answer itself, or after ANSWER_WITHIN with "working" | in the answer |
| `view` | when it is done, or after ANSWER_WITHIN | into the modal, or to that person alone |
| `pager` | before the listener runs | in the place of the message with the button |
| `options` | with the options | an empty menu |
| `event` | before the listener runs, by Bolt | to its author, in a direct message as a message |

The answer to a press in the Home tab stands in the tab, which shows the result as well.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import SubmitAgain
from bot.language import N_, _
from handlers.listeners.context import SERVICES, is_on_home
from handlers.listeners.errors import Failures
from handlers.outbound.home_tabs import HomeTabs
from handlers.outbound.outbox import Outbox
from handlers.views.forms import with_notice
from handlers.views.modals import answer_modal
from handlers.views.pages import Page

log = logging.getLogger(__name__)

ANSWER_WITHIN = 2.5  # seconds; Slack shows an error after three
WORKING = N_("Still working. The answer will follow here.")

Handler = Callable[..., Awaitable[str | None]]
"""Takes arguments of Bolt or `listeners.context` by name; returns the text for its person."""

Constraint = str | re.Pattern[str] | dict[str, Any]


class Listeners:
    """Registers handlers. Bolt calls the first one that matches a payload."""

    def __init__(
        self, app: AsyncApp, outbox: Outbox, home_tabs: HomeTabs, failures: Failures
    ) -> None:
        self._app = app
        self._outbox = outbox
        self._home_tabs = home_tabs
        self._failures = failures

    def action(self, constraint: Constraint, handler: Handler) -> None:
        """Register a handler of presses of a button, or choices in a menu."""
        self._app.action(constraint)(self._acknowledged_first(handler))

    def opener(self, constraint: Constraint, handler: Handler) -> None:
        """Register a handler that may open a modal; Slack shows a busy button until it is open."""

        async def listener(args: AsyncArgs) -> None:
            answer = asyncio.create_task(self._answer(handler, args), name=str(constraint))
            await _in_time(answer)
            await args.ack()
            text, _failed = await answer
            await self._send(args.body, text)

        self._app.action(constraint)(_for(handler, listener))

    def pager(self, constraint: Constraint, handler: Handler) -> None:
        """Register a handler of a button that changes the message which only its person sees."""

        async def listener(args: AsyncArgs) -> None:
            await args.ack()
            text, error = await self._answer(handler, args)
            try:
                await respond(args, text, replace_original=error is None)
            except Exception:  # only the answer failed: the press itself has run
                log.exception("the answer to %s did not reach Slack", constraint)

        self._app.action(constraint)(_for(handler, listener))

    def shortcut(self, constraint: Constraint, handler: Handler) -> None:
        """Register a handler of a global or a message shortcut, which may open a modal.

        The bot may be in no channel of the message, so the answer goes by the response URL. A
        global shortcut has none: a modal shows its answer.
        """

        async def listener(args: AsyncArgs) -> None:
            await args.ack()
            text, _failed = await self._answer(handler, args)
            if not text:
                return
            try:
                if args.body.get("type") == "shortcut":
                    await self._outbox.direct.open_view(args.body["trigger_id"], answer_modal(text))
                else:
                    await args.respond(text)
            except Exception:  # only the answer failed: the shortcut itself has run
                log.exception("the answer to a shortcut did not reach Slack")

        self._app.shortcut(constraint)(_for(handler, listener))

    def event(self, constraint: Constraint, handler: Handler) -> None:
        """Register a handler of an event, which Bolt acknowledges before it runs."""
        self._app.event(constraint)(self._acknowledged_first(handler))

    def command(self, name: str, handler: Handler) -> None:
        """Register a handler of a slash command, whose acknowledgement contains the answer."""

        async def listener(args: AsyncArgs) -> None:
            answer = asyncio.create_task(self._answer(handler, args), name=name)
            if await _in_time(answer):
                text = answer.result()[0] or _("Done.")
                if not isinstance(text, Page):
                    await args.ack(text)
                    return
                await args.ack()  # with it Slack would not say that it refuses the blocks
            else:
                await args.ack(_(WORKING))
            text, _failed = await answer
            try:
                await respond(args, text or _("Done."))
            except Exception:  # only the answer failed: the command itself has run
                log.exception("the answer to %s did not reach Slack", name)

        self._app.command(name)(_for(handler, listener))

    def view(self, constraint: Constraint, handler: Handler, *, shows_answer: bool = False) -> None:
        """Register a handler of a submitted modal, which shows an error while it is open.

        `shows_answer`: the modal shows the answer too, because it may belong to no channel.
        """

        async def listener(args: AsyncArgs) -> None:
            answer = asyncio.create_task(self._answer(handler, args), name=str(constraint))
            in_time = await _in_time(answer)
            if in_time:
                text, error = answer.result()
                place = _first_input(args.body)
                if isinstance(error, SubmitAgain) or (error and place and "<" in text):
                    await args.ack(
                        response_action="update", view=await self._with_notice(args, text, error)
                    )
                    return
                if error and place:
                    await args.ack(response_action="errors", errors={place: text})
                    return
                if shows_answer and text:
                    await args.ack(response_action="update", view=answer_modal(text))
                    return
            await args.ack()
            text, _failed = await answer
            await self._send(args.body, text)

        self._app.view(constraint)(_for(handler, listener))

    def options(
        self, constraint: Constraint, handler: Callable[..., Awaitable[list[dict[str, Any]]]]
    ) -> None:
        """Register a handler that returns a menu's entries; Slack takes no second answer."""

        async def listener(args: AsyncArgs) -> None:
            try:
                entries = await _call(handler, args)
            except Exception as error:  # noqa: BLE001 - answer_to logs it; Bolt must not see it
                await self._failures.answer_to(error, args.body)
                entries = []
            await args.ack(options=entries)

        self._app.options(constraint)(_for(handler, listener))

    def _acknowledged_first(self, handler: Handler) -> Callable[[AsyncArgs], Awaitable[None]]:
        async def listener(args: AsyncArgs) -> None:
            await args.ack()
            text, _failed = await self._answer(handler, args)
            await self._send(args.body, text)

        return _for(handler, listener)

    async def _send(self, body: dict[str, Any], text: str) -> None:
        """Show the text to its person. A Home tab shows it, and what the press has changed."""
        if is_on_home(body):
            await self._show_home(body, text)
        elif text and body.get("event", {}).get("channel_type") == "im":
            await self._outbox.direct.post(str(body["event"]["channel"]), text)
        elif text:
            await self._outbox.direct.send_ephemeral(await self._failures.place_of(body), text)

    async def _show_home(self, body: dict[str, Any], notice: str) -> None:
        try:
            await self._home_tabs.show(str(body["user"]["id"]), notice=notice)
        except Exception:  # the press itself has run
            log.exception("the Home tab does not show the answer to a press")

    async def _answer(self, handler: Handler, args: AsyncArgs) -> tuple[str, Exception | None]:
        """The text for the person, and the error if the handler failed."""
        try:
            return await _call(handler, args) or "", None
        except Exception as error:  # noqa: BLE001 - answer_to logs it; Bolt must not see it
            return await self._failures.answer_to(error, args.body), error

    async def _with_notice(self, args: AsyncArgs, text: str, error: Exception) -> dict[str, Any]:
        """The modal as the person left it, with the text above: Slack shows no mention in an error.

        After SubmitAgain the next submission is made in the knowledge of what has changed.
        """
        view = args.body["view"]
        metadata = str(view.get("private_metadata") or "")
        if isinstance(error, SubmitAgain):
            metadata = f"{metadata.partition('/')[0]}/{error.seen}"
        return await self._outbox.direct.accepted_view(with_notice(view, text, metadata))


def _for(
    handler: Callable[..., Any], listener: Callable[[AsyncArgs], Awaitable[None]]
) -> Callable[[AsyncArgs], Awaitable[None]]:
    """Give the listener the handler's name for Bolt's logs, and the handler itself for a test."""
    listener.__name__ = handler.__name__
    listener.__qualname__ = handler.__qualname__
    listener.__module__ = handler.__module__
    listener.handler = handler  # type: ignore[attr-defined]  # for a test
    return listener


def _call(handler: Callable[..., Any], args: AsyncArgs) -> Any:
    """Call the handler with the arguments that its parameters name."""
    return handler(
        **{
            name: args.context.get(name) if name in SERVICES else getattr(args, name)
            for name in inspect.signature(handler).parameters
        }
    )


async def respond(args: AsyncArgs, text: str, *, replace_original: bool = False) -> None:
    """Answer by the response URL. If Slack refuses the blocks it gets simpler ones, then text."""
    forms = [text.blocks, text.simple, []] if isinstance(text, Page) else [[]]
    for blocks in forms:
        answer = await args.respond(text, blocks=blocks or None, replace_original=replace_original)
        if answer.status_code < 400:
            return
        log.warning("Slack refused an answer: %s", answer.body)


async def _in_time(answer: asyncio.Task[tuple[str, Exception | None]]) -> bool:
    await asyncio.wait({answer}, timeout=ANSWER_WITHIN)
    return answer.done()


def _first_input(body: dict[str, Any]) -> str:
    """The block_id of the modal's first input: Slack shows an error only beside an input."""
    blocks = body.get("view", {}).get("blocks", [])
    return next((str(b["block_id"]) for b in blocks if b.get("type") == "input"), "")
