"""The local Slack against its real peer: slack_bolt over Socket Mode."""

from typing import Any

from slack_bolt.app.async_app import AsyncApp

from ..local import LocalSlack

JSON = dict[str, Any]


def button(text: str, action_id: str, value: str = "1") -> JSON:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "text": label, "action_id": action_id, "value": value}


def actions(*elements: JSON) -> list[JSON]:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Restart?"}}
    return [section, {"type": "actions", "elements": list(elements)}]


def modal(callback_id: str = "report") -> JSON:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": {"type": "plain_text", "text": "Report"},
        "submit": {"type": "plain_text", "text": "Send"},
        "notify_on_close": True,
        "blocks": [
            {
                "type": "input",
                "block_id": "what",
                "label": {"type": "plain_text", "text": "What happens?"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
    }


async def test_an_alert_of_another_app_reaches_a_listener_that_threads_an_answer(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    @app.event("message")
    async def seen(event: JSON, client: Any) -> None:
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text="I see it"
        )

    await connected()
    alert = await slack.post_as_app("Alertmanager", "alerts", attachments=[{"title": "CPU"}])
    replies = await slack.wait_for(lambda: slack.thread("alerts", alert.ts), why="an answer")
    assert replies[0].text == "I see it"
    parent = slack.message("alerts", alert.ts)
    assert parent["reply_count"] == 1
    assert parent["latest_reply"] == replies[0].ts
    assert parent["reply_users"] == [slack.bot_user_id]


async def test_a_press_by_visible_text_is_acknowledged_and_updates_the_card(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    pressed: list[JSON] = []

    @app.action("sopbot.approve")
    async def approve(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        pressed.append(body)
        await client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text="approved", blocks=[]
        )

    await connected()
    await app.client.chat_postMessage(
        channel="C0OPS00001", text="?", blocks=actions(button("Approve", "sopbot.approve", "7"))
    )
    card = slack.messages("ops")[-1]
    outcome = await slack.as_user("ben").press(card, "Approve")
    assert outcome.acked
    assert outcome.seconds is not None
    assert outcome.seconds < 3
    await slack.wait_for(lambda: not slack.message("ops", card.ts).buttons, why="the card changes")
    (body,) = pressed
    assert body["user"]["id"] == slack.users["ben"]
    assert body["actions"][0]["value"] == "7"
    assert body["container"]["message_ts"] == card.ts
    assert body["response_url"].startswith(slack.page_url)
    assert slack.message("ops", card.ts).text == "approved"


async def test_a_command_is_answered_to_the_asker_alone_with_mentions_escaped(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    texts: list[str] = []

    @app.command("/incident")
    async def incident(ack: Any, command: JSON, respond: Any) -> None:
        texts.append(command["text"])
        await ack("at once")
        await respond("later")

    await connected()
    answer = await slack.as_user("ana").command("/incident assign @ben in #ops", "alerts")
    assert answer.acked
    await slack.wait_for(lambda: len(answer.responses) == 2, why="both responses")
    # Bolt looks for the ack every 10 ms, so the later one may well come first.
    assert sorted(m.text for m in answer.responses) == ["at once", "later"]
    assert slack.ephemerals("ben") == []
    assert texts == [f"assign <@{slack.users['ben']}|ben> in <#C0OPS00001|ops>"]


async def test_a_modal_is_opened_refused_with_errors_and_then_taken(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    taken: list[str] = []

    @app.shortcut("report_incident")
    async def report(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("report")
    async def submitted(ack: Any, view: JSON) -> None:
        text = view["state"]["values"]["what"]["text"]["value"]
        if len(text) < 5:
            await ack(response_action="errors", errors={"what": "Too short"})
        else:
            taken.append(text)
            await ack()

    await connected()
    ana = slack.as_user("ana")
    assert (await ana.shortcut("report_incident")).acked
    await slack.wait_for(lambda: slack.modal("ana"), why="the modal opens")
    empty = await ana.submit(values={})
    assert empty.errors == {"what": "Please complete this required field."}
    short = await ana.submit(values={"What happens?": "no"})
    assert short.errors == {"what": "Too short"}
    assert slack.modal("ana") is not None
    done = await ana.submit(values={"what": "checkout fails"})
    assert done.acked
    assert done.errors == {}
    assert taken == ["checkout fails"]
    assert slack.modal("ana") is None
    assert slack.modal("ben") is None


async def test_an_ack_can_push_and_update_views_and_a_close_is_heard(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    closed: list[str] = []

    @app.shortcut("report_incident")
    async def report(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("first"))

    @app.view("first")
    async def first(ack: Any) -> None:
        await ack(response_action="push", view=modal("second"))

    @app.view("second")
    async def second(ack: Any) -> None:
        await ack(response_action="update", view=modal("third"))

    @app.view_closed("third")
    async def third(ack: Any, view: JSON) -> None:
        await ack()
        closed.append(view["callback_id"])

    await connected()
    ana = slack.as_user("ana")
    await ana.shortcut("report_incident")
    await slack.wait_for(lambda: slack.modal("ana"), why="the modal opens")
    seen = []
    for _ in range(2):
        await ana.submit(values={"what": "checkout fails"})
        seen.append(slack.modal("ana")["callback_id"])
    assert seen == ["second", "third"]
    assert (await ana.close()).acked
    assert closed == ["third"]
    assert slack.modal("ana")["callback_id"] == "first"


def record_calls(app: AsyncApp) -> list[tuple[str, str]]:
    """Register listeners that record what reaches them, and one that publishes the Home tab."""
    calls: list[tuple[str, str]] = []

    @app.event("app_home_opened")
    async def opened(event: JSON, client: Any) -> None:
        text = {"type": "mrkdwn", "text": "Nothing open"}
        view = {"type": "home", "blocks": [{"type": "section", "text": text}]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.shortcut("explain")
    async def explain(ack: Any, body: JSON) -> None:
        await ack()
        calls.append(("explain", body["message"]["text"]))

    @app.event("app_mention")
    async def mention(event: JSON) -> None:
        calls.append(("mention", event["text"]))

    @app.event("reaction_added")
    async def reaction(event: JSON) -> None:
        calls.append(("reaction", event["reaction"]))

    @app.event("message")
    async def message() -> None:
        pass

    @app.action("sopbot.mute")
    async def mute(ack: Any, action: JSON) -> None:
        await ack()
        calls.append(("mute", action["selected_option"]["value"]))

    return calls


MUTE_MENU = {
    "type": "static_select",
    "action_id": "sopbot.mute",
    "placeholder": {"type": "plain_text", "text": "Mute"},
    "options": [{"text": {"type": "plain_text", "text": "1 hour"}, "value": "3600"}],
}


async def test_home_message_shortcut_mention_reaction_and_menu_reach_their_listeners(
    slack: LocalSlack, app: AsyncApp, connected: Any
) -> None:
    calls = record_calls(app)
    await connected()
    ben = slack.as_user("ben")
    await ben.open_home()
    home = await slack.wait_for(lambda: slack.home("ben"), why="the Home tab")
    assert home["blocks"][0]["text"]["text"] == "Nothing open"
    question = await ben.say("alerts", "@sopbot why?")
    await ben.react(question, "eyes")
    assert (await ben.shortcut("explain", question)).acked
    await app.client.chat_postMessage(channel="C0ALERTS01", text="?", blocks=actions(MUTE_MENU))
    assert (await ben.select(slack.messages("alerts")[-1], "Mute", "1 hour")).acked
    await slack.wait_for(lambda: len(calls) == 4, why="all four are heard")
    text = f"<@{slack.bot_user_id}> why?"
    assert sorted(calls) == [
        ("explain", text),
        ("mention", text),
        ("mute", "3600"),
        ("reaction", "eyes"),
    ]
