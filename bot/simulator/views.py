"""Modals, one stack for each user, and App Home."""

import secrets
from typing import Any

from . import content
from .interactions import Interactions
from .people import TEAM_ID
from .refusal import Refusal
from .workspace import Change, Workspace

JSON = dict[str, Any]

MAX_STACK = 3


class Views:
    """The app's modals and Home tab of each user."""

    def __init__(self, workspace: Workspace, interactions: Interactions) -> None:
        self.errors: dict[str, JSON] = {}
        self._workspace = workspace
        self._interactions = interactions
        self._stacks: dict[str, list[JSON]] = {}
        self._homes: dict[str, JSON] = {}

    def modal(self, user_id: str) -> JSON | None:
        """The view on top of a user's stack."""
        stack = self._stacks.get(user_id)
        return stack[-1] if stack else None

    def home(self, user_id: str) -> JSON | None:
        """The view that the app published to a user's Home tab."""
        return self._homes.get(user_id)

    def open(self, args: JSON) -> JSON:
        """views.open."""
        view = content.checked_view(args.get("view"), home=False)
        user = self._interactions.redeem(args.get("trigger_id"))
        made = self._made(view)
        self._stacks[user] = [made]
        self._changed(user)
        return made

    def push(self, args: JSON) -> JSON:
        """views.push: one more on the stack, three at most."""
        view = content.checked_view(args.get("view"), home=False)
        user = self._interactions.redeem(args.get("trigger_id"))
        return self._push(user, view)

    def update(self, args: JSON) -> JSON:
        """views.update, by view_id or external_id, with the optional hash."""
        view = content.checked_view(
            args.get("view"), home=self._is_home(args.get("view_id"), args.get("external_id"))
        )
        user, old = self._find(args.get("view_id"), args.get("external_id"))
        if args.get("hash") and args["hash"] != old["hash"]:
            raise Refusal("hash_conflict")
        return self._replace(user, old, view)

    def publish(self, args: JSON) -> JSON:
        """views.publish: the Home tab of one user."""
        user = self._workspace.user(str(args.get("user_id", "")))
        view = content.checked_view(args.get("view"), home=True)
        old = self._homes.get(user.id)
        if args.get("hash") and old is not None and args["hash"] != old["hash"]:
            raise Refusal("hash_conflict")
        made = self._made(view)
        if old is not None:
            made["id"] = made["root_view_id"] = old["id"]
        self._homes[user.id] = made
        self._changed(user.id)
        return made

    def answer(self, user: str, view: JSON, payload: JSON | None) -> dict[str, str]:
        """Do what the ack of a submission asks for; the errors to show, by block_id."""
        action = (payload or {}).get("response_action")
        if action == "errors":
            errors = {str(k): str(v) for k, v in (payload or {}).get("errors", {}).items()}
            self.errors[view["id"]] = errors
            self._changed(user)
            return errors
        if action == "update":
            self._replace(user, view, content.checked_view((payload or {}).get("view"), home=False))
        elif action == "push":
            self._push(user, content.checked_view((payload or {}).get("view"), home=False))
        elif action == "clear":
            self._stacks.pop(user, None)
        else:
            self.close(user, view["id"])
        self._changed(user)
        return {}

    def close(self, user: str, view_id: str) -> None:
        """Take one view off the user's stack."""
        self._stacks[user] = [v for v in self._stacks.get(user, []) if v["id"] != view_id]
        self._changed(user)

    def _push(self, user: str, view: JSON) -> JSON:
        stack = self._stacks.get(user) or []
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= MAX_STACK:
            raise Refusal("push_limit_reached")
        made = self._made(view)
        made["previous_view_id"] = stack[-1]["id"]
        made["root_view_id"] = stack[0]["id"]
        stack.append(made)
        self._changed(user)
        return made

    def _replace(self, user: str, old: JSON, view: JSON) -> JSON:
        made = self._made(view)
        for name in ("id", "root_view_id", "previous_view_id"):
            made[name] = old[name]
        if old["type"] == "home":
            self._homes[user] = made
        else:
            stack = self._stacks.get(user, [])
            self._stacks[user] = [made if v["id"] == old["id"] else v for v in stack]
        self.errors.pop(old["id"], None)
        self._changed(user)
        return made

    def _find(self, view_id: Any, external_id: Any) -> tuple[str, JSON]:
        for user, view in self._all():
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return user, view
        raise Refusal("not_found")

    def _is_home(self, view_id: Any, external_id: Any) -> bool:
        return any(
            v["id"] == view_id or (external_id and v["external_id"] == external_id)
            for v in self._homes.values()
        )

    def _all(self) -> list[tuple[str, JSON]]:
        stacked = [(user, view) for user, stack in self._stacks.items() for view in stack]
        return stacked + list(self._homes.items())

    def _made(self, view: JSON) -> JSON:
        made: JSON = {
            "id": f"V0{secrets.token_hex(4).upper()}",
            "team_id": TEAM_ID,
            "private_metadata": "",
            "callback_id": "",
            "state": {"values": {}},
            "hash": f"{int(self._workspace.clock.now())}.{secrets.token_hex(4)}",
            "clear_on_close": False,
            "notify_on_close": False,
            "close": None,
            "submit": None,
            "previous_view_id": None,
            "app_id": self._workspace.app.app_id,
            "external_id": "",
            "app_installed_team_id": TEAM_ID,
            "bot_id": self._workspace.app.bot_id,
            **{k: v for k, v in view.items() if v is not None},
        }
        made["root_view_id"] = made["id"]
        return made

    def _changed(self, user: str) -> None:
        self._workspace.on_change(Change("view", user=user))
