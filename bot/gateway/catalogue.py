"""The gateway's catalogue: which action may be requested of which target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.gateway.actions import Action
from bot.gateway.commands import Command, action_of
from bot.gateway.errors import Invalid
from bot.gateway.executors import Call
from bot.gateway.executors.registry import KINDS, built_in_actions
from bot.gateway.intents import read_intent
from bot.gateway.parts import Target
from bot.remediation import contract
from bot.remediation.contract import ActionInfo, ActionList, ExecuteRequest, TargetInfo
from bot.validation import field_problems

ACTIONS: Mapping[str, Action] = built_in_actions()


class Catalogue:
    """All actions and targets of one config: those of the kinds, and the declared commands.

    With `read_only` no action that changes something is planned or run, on any target.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        commands: Mapping[str, Command] | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.targets = targets
        self.read_only = read_only
        declared = {name: action_of(name, command) for name, command in (commands or {}).items()}
        self._declared = tuple(declared.values())
        self.actions: Mapping[str, Action] = {**ACTIONS, **declared}

    def offered(self, target: str) -> list[Action]:
        """Return the actions that may be requested of this target."""
        config = self.targets[target]
        commands = (action for action in self._declared if action.command.fits(target))
        return [
            action
            for action in (*KINDS[config.executor].actions, *commands)
            if config.allows(action.id)
        ]

    def usable(self, target: str) -> list[Action]:
        """Return those of them that this gateway runs now."""
        return [a for a in self.offered(target) if not (self.read_only and a.mutating)]

    def resolve(self, request: ExecuteRequest, choice: str = "") -> Call:
        """Return the one call that a request means. Invalid names the problem; nothing is
        guessed.

        `choice` is the action that a model chose for the words of the request: without any value.
        """
        name = request.target_resource.name
        config = self.targets.get(name)
        if config is None:
            raise Invalid("UNKNOWN_SERVICE", f"Unknown logical service name: {name}")
        typed = request.action_request.action
        if typed is not None:
            action_id, parameters = typed.id, dict(typed.parameters)
        elif choice:
            action_id, parameters = choice, {}
        else:
            action_id, parameters = read_intent(
                request.action_request.intent,
                request.action_request.context,
                name,
                self.offered(name),
            )
        offered = {action.id: action for action in self.offered(name)}
        action = offered.get(action_id)
        if action is None:
            known = ", ".join(offered) or "nothing"
            if action_id in self.actions:
                raise Invalid(
                    "ACTION_NOT_ALLOWED", f"{name} does not offer {action_id}. It offers: {known}"
                )
            raise Invalid("UNKNOWN_ACTION", f"No action {action_id}. {name} offers: {known}")
        if self.read_only and action.mutating:
            raise Invalid(
                "READ_ONLY",
                f"This gateway is read-only, and {action.id} changes {name}. "
                f"{contract.NOTHING_WAS_RUN}",
            )
        try:
            checked = action.parameters.model_validate(parameters)
        except ValidationError as error:
            problems = "; ".join(map(str, field_problems(error, action.parameters)[:5]))
            raise Invalid("INVALID_PARAMETERS", f"{action.id}: {problems}") from None
        return Call(action, name, config, checked.model_dump())

    def listed(self) -> ActionList:
        """Return the catalogue as GET /actions shows it: only what a target offers."""
        offered = {name: self.offered(name) for name in self.targets}
        used = {action.id for actions in offered.values() for action in actions}
        return ActionList(
            read_only=self.read_only,
            actions=tuple(
                _info(action, tuple(n for n, of in offered.items() if action in of))
                for action in self.actions.values()
                if action.id in used or not self.targets
            ),
            environments={n: t.environment for n, t in self.targets.items() if t.environment},
            targets=tuple(
                TargetInfo(
                    name=name,
                    system=target.executor,
                    environment=target.environment,
                    owner=target.owner,
                    actions=tuple(action.id for action in offered[name]),
                )
                for name, target in self.targets.items()
            ),
        )


def _info(action: Action, targets: tuple[str, ...]) -> ActionInfo:
    return ActionInfo(
        id=action.id,
        verb=action.verb,
        title=action.title,
        mutating=action.mutating,
        reversible=bool(action.inverse),
        inverse=action.inverse,
        risk=action.risk,
        blast=action.blast,
        verified_by=action.verified_by,
        cancellable=action.cancellable,
        parameters=_schema(action.parameters),
        targets=targets,
    )


@lru_cache(maxsize=256)  # the bot asks for all of them every few seconds
def _schema(parameters: type[BaseModel]) -> dict[str, Any]:
    return parameters.model_json_schema()
