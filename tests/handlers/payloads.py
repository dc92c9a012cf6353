"""Slack's payloads for every listener of the bot."""

from __future__ import annotations

from typing import Any

TEAM, USER, CHANNEL, BOT = "T1", "U0BEN", "C1", "B1"
PERSON = {"id": USER, "team_id": TEAM}


def action(action_id: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": PERSON,
        "trigger_id": "1.2.3",
        "channel": {"id": CHANNEL},
        "container": {"message_ts": "1.000001", "channel_id": CHANNEL},
        "message": {"ts": "1.000001", "bot_id": BOT},
        "actions": [{"action_id": action_id, "block_id": "b", "value": "1", **more}],
    }


def in_list(action_id: str) -> dict[str, Any]:
    """A press in an answer that only its person sees: Slack does not send that message."""
    payload = action(action_id) | {"response_url": "https://slack.example/response"}
    del payload["message"]
    return payload


def view(callback_id: str, metadata: str = "1") -> dict[str, Any]:
    return {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": PERSON,
        "trigger_id": "1.2.3",
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": metadata,
            "state": {"values": {}},
            "blocks": [{"type": "input", "block_id": "question"}],
        },
    }


def filled(callback_id: str, **fields: dict[str, str]) -> dict[str, Any]:
    payload = view(callback_id)
    payload["view"]["state"]["values"] = {name: {"a": field} for name, field in fields.items()}
    return payload


def shortcut(callback_id: str) -> dict[str, Any]:
    return {
        "type": "shortcut",
        "team": {"id": TEAM},
        "user": PERSON,
        "trigger_id": "1.2.3",
        "callback_id": callback_id,
    }


def message_shortcut(callback_id: str) -> dict[str, Any]:
    return shortcut(callback_id) | {
        "type": "message_action",
        "channel": {"id": CHANNEL},
        "message": {"ts": "1.1", "bot_id": "B0ANY", "text": "Disk is full"},
        "message_ts": "1.1",
        "response_url": "https://slack.example/response",
    }


def menu(action_id: str) -> dict[str, Any]:
    return {
        "type": "block_suggestion",
        "team": {"id": TEAM},
        "user": PERSON,
        "action_id": action_id,
        "block_id": "b",
        "value": "",
    }


def command(name: str, text: str, response_url: str = "") -> dict[str, Any]:
    return {
        "command": name,
        "text": text,
        "team_id": TEAM,
        "user_id": USER,
        "channel_id": CHANNEL,
        "trigger_id": "1.2.3",
        "response_url": response_url,
    }


def event(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event": {"type": name, "channel": CHANNEL, "ts": "1.000002", **more},
    }


HOME_OPENED = event("app_home_opened", user=USER, tab="home")
MENTION = event("app_mention", user=USER, text="<@U0BOT> why?", thread_ts="1.000001")

# One payload for each listener that acts; add the payload of a new listener here.
ACTING = {
    "approve": action("sopbot.approve"),
    "reject": action("sopbot.reject"),
    "dry_run": action("sopbot.dry_run"),
    "edit": action("sopbot.edit"),
    "check_again": action("sopbot.check_again"),
    "by_hand": action("sopbot.by_hand"),
    "did_not_run": action("sopbot.did_not_run"),
    "undo": action("sopbot.undo"),
    "try_again": action("sopbot.try_again"),
    "cancel_run": action("sopbot.cancel_run"),
    "reasoned": view("sopbot.reason_modal"),
    "edited": view("sopbot.edit_modal"),
    "acknowledge": action("sopbot.acknowledge"),
    "resolve": action("sopbot.resolve"),
    "confirmed": view("sopbot.resolve_modal"),
    "reopen": action("sopbot.reopen"),
    "still_going_on": action("sopbot.still_going_on"),
    "wrong_runbook": action("sopbot.wrong_runbook"),
    "propose": action("sopbot.propose", value="1 0"),
    "target_typed": view("sopbot.propose_modal", "1 0"),
    "write_lesson": action("sopbot.lesson"),
    "lesson_submitted": filled("sopbot.lesson_modal", lesson={"value": "It was the pool"}),
    "draft_sop": action("sopbot.sop_draft"),
    "read_status": action("sopbot.read.status"),
    "read_logs": action("sopbot.read.logs"),
    "end_silence": action("sopbot.end_silence"),
    "mute": action("sopbot.mute"),
    "unmute": action("sopbot.unmute"),
    "turn_page": action("sopbot.alerts.more"),
    "turn_back": action("sopbot.alerts.back"),
    "show_children": action("sopbot.children"),
    "turn_children_back": action("sopbot.children.back"),
    "turn_children_page": action("sopbot.children.more"),
    "split": action("sopbot.split"),
    "join": action("sopbot.join"),
    "choose": action("sopbot.more", value=None, selected_option={"value": "severity 1"}),
    "severity_submitted": filled("sopbot.severity_modal", severity={"value": "high"}),
    "assign_submitted": filled("sopbot.assign_modal", owner={"value": USER}),
    "escalate_submitted": filled("sopbot.escalate_modal", person={"value": "U0BEN00001"}),
    "merge_submitted": filled("sopbot.merge_modal", target={"value": "2"}),
    "give_feedback": action("sopbot.feedback", type="feedback_buttons"),
    "show_full_text": action("sopbot.full_text"),
    "turn_text_back": action("sopbot.full_text.back"),
    "turn_text_page": action("sopbot.full_text.more"),
    "ask": action("sopbot.ask"),
    "question_submitted": view("sopbot.ask_modal"),
    "report": shortcut("sopbot_report"),
    "open_from_message": message_shortcut("sopbot_open"),
    "explain": message_shortcut("sopbot_explain"),
    "reported": view("sopbot.report_modal"),
    "read_wrongly": message_shortcut("sopbot.read_wrongly"),
    "accept_handover": action("sopbot.accept_handover"),
    "cancel_handover": action("sopbot.cancel_handover"),
    "correct_update": action("sopbot.stakeholders"),
    "update_submitted": view("sopbot.update_modal"),
    "write_postmortem": action("sopbot.postmortem"),
    "action_done": action("sopbot.action_done"),
    "action_submitted": view("sopbot.action_modal"),
    "mentioned": MENTION,
    "home_opened": HOME_OPENED,
    "incident": command("/incident", "list"),
    "sop": command("/sop", "list"),
    "turn_list_page": in_list("sopbot.list.more"),
    "turn_list_back": in_list("sopbot.list.first"),
    "acknowledge_in_list": in_list("sopbot.list.acknowledge.0"),
}
# Those that do nothing whatever fails: each is acknowledged.
PASSIVE = {
    "message_seen": event("message", text="hello"),
    "followed_link": action("sopbot.link.0"),
    "pressed": action("sopbot.of_an_older_version"),
    "submitted": view("sopbot.gone"),
    "chosen": shortcut("sopbot.gone"),
    "opened": menu("sopbot.gone"),
    "event_ignored": event("reaction_added", user=USER),
}
