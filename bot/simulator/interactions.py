"""Makes the payloads of commands, buttons and shortcuts, with their tokens."""

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .deliveries import Delivery
from .people import TEAM_DOMAIN, TEAM_ID, Channel, User
from .refusal import Refusal
from .workspace import Workspace, without_metadata

JSON = dict[str, Any]
Deliver = Callable[[str, JSON, bool], Delivery]

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """A trigger_id: three seconds, one use."""

    user: str
    expires: float
    used: bool = False


@dataclass
class ResponseUrl:
    """A response_url and what it answers: for whom, where, beside which message."""

    user: str
    channel: str
    expires: float
    message_ts: str = ""
    ephemeral: bool = False
    uses: int = 0
    responses: list[JSON] = field(default_factory=list)


class Interactions:
    """Builds the payloads and hands them to Socket Mode."""

    def __init__(self, workspace: Workspace, clock: Clock, deliver: Deliver) -> None:
        self.base_url = ""
        self.response_urls: dict[str, ResponseUrl] = {}
        self._workspace = workspace
        self._clock = clock
        self._deliver = deliver
        self._triggers: dict[str, Trigger] = {}
        self._numbers = itertools.count(1)

    # Tokens

    def trigger(self, user: User) -> str:
        """A new trigger_id for this user."""
        made = f"{next(self._numbers)}.{int(self._clock.now())}.{secrets.token_hex(16)}"
        self._triggers[made] = Trigger(user.id, self._clock.now() + TRIGGER_SECONDS)
        return made

    def redeem(self, trigger_id: Any) -> str:
        """The user of a trigger_id, once. Refusal `expired_trigger_id` and its sisters."""
        trigger = self._triggers.get(trigger_id) if isinstance(trigger_id, str) else None
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def response_url(
        self, user: User, channel: Channel, message: JSON | None = None
    ) -> tuple[str, ResponseUrl]:
        """A new response_url and the record of the responses through it."""
        key = secrets.token_urlsafe(18)
        made = ResponseUrl(user.id, channel.id, self._clock.now() + RESPONSE_URL_SECONDS)
        if message is not None:
            made.message_ts = message["ts"]
            made.ephemeral = bool(message.get("is_ephemeral"))
        self.response_urls[key] = made
        return f"{self.base_url}/actions/{TEAM_ID}/{next(self._numbers)}/{key}", made

    def spend(self, key: str) -> ResponseUrl:
        """Use a response_url once; Refusal `used_url` or `expired_url`."""
        response_url = self.response_urls.get(key)
        if response_url is None or self._clock.now() > response_url.expires:
            raise Refusal("expired_url")
        if response_url.uses >= RESPONSE_URL_USES:
            raise Refusal("used_url")
        response_url.uses += 1
        return response_url

    # What a person does

    def command(
        self, user: User, channel: Channel, command: str, text: str
    ) -> tuple[Delivery, ResponseUrl]:
        """Send a slash command; `text` must already be escaped as the manifest asks."""
        url, record = self.response_url(user, channel)
        payload = {
            "token": "simulated-verification",
            "team_id": user.team_id,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": self._channel_name(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": self._workspace.app.app_id,
            "is_enterprise_install": "false",
            "response_url": url,
            "trigger_id": self.trigger(user),
        }
        return self._deliver("slash_commands", payload, True), record

    def act_on_message(
        self,
        user: User,
        channel: Channel,
        message: JSON,
        action: JSON,
        state: JSON | None = None,
    ) -> tuple[Delivery, ResponseUrl]:
        """A press or a choice on a message; `action` as it stands under `actions`."""
        url, record = self.response_url(user, channel, message)
        container: JSON = {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel.id,
            "is_ephemeral": bool(message.get("is_ephemeral")),
        }
        if "thread_ts" in message:
            container["thread_ts"] = message["thread_ts"]
        payload = {
            **self._interaction("block_actions", user),
            "container": container,
            "trigger_id": self.trigger(user),
            "channel": {"id": channel.id, "name": self._channel_name(channel)},
            "state": {"values": state or {}},
            "response_url": url,
            "actions": [{**action, "action_ts": self._workspace.next_ts()}],
        }
        if not message.get("is_ephemeral"):
            payload["message"] = without_metadata(message)
        return self._deliver("interactive", payload, False), record

    def act_in_view(self, user: User, view: JSON, action: JSON) -> Delivery:
        """A press or a choice in a modal or in App Home."""
        payload = {
            **self._interaction("block_actions", user),
            "container": {"type": "view", "view_id": view["id"]},
            "trigger_id": self.trigger(user),
            "view": view,
            "actions": [{**action, "action_ts": self._workspace.next_ts()}],
        }
        return self._deliver("interactive", payload, False)

    def view_submission(self, user: User, view: JSON) -> Delivery:
        """The submit button of a modal; `view` carries its state."""
        payload = {
            **self._interaction("view_submission", user),
            "trigger_id": self.trigger(user),
            "view": view,
            "response_urls": [],
        }
        return self._deliver("interactive", payload, True)

    def view_closed(self, user: User, view: JSON, *, is_cleared: bool) -> Delivery:
        """A modal closed by its user."""
        payload = {
            **self._interaction("view_closed", user),
            "view": view,
            "is_cleared": is_cleared,
        }
        return self._deliver("interactive", payload, False)

    def shortcut(self, user: User, callback_id: str) -> Delivery:
        """A global shortcut."""
        payload = {
            **self._interaction("shortcut", user),
            "action_ts": self._workspace.next_ts(),
            "callback_id": callback_id,
            "trigger_id": self.trigger(user),
        }
        return self._deliver("interactive", payload, False)

    def message_shortcut(
        self, user: User, channel: Channel, message: JSON, callback_id: str
    ) -> tuple[Delivery, ResponseUrl]:
        """A shortcut from a message's menu."""
        url, record = self.response_url(user, channel, message)
        payload = {
            **self._interaction("message_action", user),
            "action_ts": self._workspace.next_ts(),
            "callback_id": callback_id,
            "trigger_id": self.trigger(user),
            "response_url": url,
            "message_ts": message["ts"],
            "channel": {"id": channel.id, "name": self._channel_name(channel)},
            "message": without_metadata(message),
        }
        return self._deliver("interactive", payload, False), record

    def _interaction(self, kind: str, user: User) -> JSON:
        return {
            "type": kind,
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": user.team_id,
            },
            "api_app_id": self._workspace.app.app_id,
            "token": "simulated-verification",
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _channel_name(self, channel: Channel) -> str:
        if channel.is_im:
            return "directmessage"
        return "privategroup" if channel.is_private else channel.name
