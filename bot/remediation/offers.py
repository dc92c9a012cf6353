"""The offers of gateways: their actions and targets, as `/actions` lists them.

Everything in the list is somebody else's text: names must have the form of names, sentences are
cut to one printable line, and a schema that the bot cannot read makes its action one that it
cannot request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.incidents.remediation import Risk
from bot.remediation.answers import short_line
from bot.remediation.contract import OURSELVES, ActionInfo, ActionList
from bot.remediation.schemas import SchemaProblem, fields_of

MOST_ACTIONS = 500
MOST_TARGETS = 5_000
_ACTION = re.compile(r"[a-z][a-z0-9_]{0,39}(?:\.[a-z0-9_]{1,40}){1,3}")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAction:
    """One action of the gateway. `fields` are its parameters; None: the bot cannot request it.

    `schema` is the JSON schema of its parameters without texts for people.
    """

    id: str
    title: str
    mutating: bool
    inverse: str
    risk: Risk
    blast: str
    verified_by: str
    cancellable: bool
    fields: Mapping[str, Any] | None
    schema: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTarget:
    """One target: its kind of system, its environment, and the ids of the actions it offers.

    `gateway` is the name of the gateway that lists it.
    """

    name: str
    system: str = ""
    environment: str = ""
    owner: str = ""
    actions: tuple[str, ...] = ()
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """All actions and targets of the gateways. Both are empty for a gateway without a list.

    `clashes` has each target that several gateways list, with their names: it is none of `targets`.
    `differing` has (gateway, action id) of each action that another gateway defines otherwise.
    """

    actions: Mapping[str, OfferedAction] = field(default_factory=dict)
    targets: Mapping[str, OfferedTarget] = field(default_factory=dict)
    clashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    differing: tuple[tuple[str, str], ...] = ()

    def of_target(self, name: str, *, mutating: bool) -> list[OfferedAction]:
        """Return the actions that the target offers and the bot can request."""
        target = self.targets.get(name)
        actions = [self.actions[action] for action in target.actions] if target else []
        return [a for a in actions if a.mutating is mutating and a.fields is not None]


NO_OFFERS = Offers()


@dataclass(frozen=True, slots=True)
class Possible:
    """One target, the actions that may be proposed on it, and those that only read."""

    target: OfferedTarget
    changes: tuple[OfferedAction, ...]
    reads: tuple[OfferedAction, ...]


def read_offers(listed: ActionList) -> Offers:
    """Return the gateway's list, without everything that is malformed."""
    infos = {info.id: info for info in listed.actions[:MOST_ACTIONS] if _ACTION.fullmatch(info.id)}
    actions = {name: _action(info) for name, info in infos.items()}
    targets = {
        name: OfferedTarget(
            name=name,
            system=short_line(system)[:40],
            environment=short_line(environment)[:63],
            owner=short_line(owner),
            actions=tuple(dict.fromkeys(action for action in offered if action in actions)),
        )
        for name, system, environment, owner, offered in _targets(listed, infos)
        if _TARGET.fullmatch(name) and name.lower() not in OURSELVES
    }
    return Offers(actions, targets)


def merged(lists: Mapping[str, Offers], may_offer: Callable[[str, str], bool]) -> Offers:
    """Return what all gateways offer together; `lists` has the list of each by its name.

    `may_offer` says whether the gateway may act on a target: others are left out. A target that two
    list is offered by neither. If two define an action otherwise, only the first may be asked for
    it: a person approves one meaning.
    """
    actions: dict[str, OfferedAction] = {}
    differing: dict[str, set[str]] = {}
    owners: dict[str, list[OfferedTarget]] = {}
    for gateway, listed in lists.items():
        for action in listed.actions.values():
            if _meaning(actions.setdefault(action.id, action)) != _meaning(action):
                differing.setdefault(gateway, set()).add(action.id)
        for target in listed.targets.values():
            if may_offer(gateway, target.name):
                others = differing.get(gateway, set())
                usable = tuple(action for action in target.actions if action not in others)
                offered = replace(target, actions=usable, gateway=gateway)
                owners.setdefault(target.name, []).append(offered)
    return Offers(
        actions,
        {name: offering[0] for name, offering in owners.items() if len(offering) == 1},
        {
            name: tuple(target.gateway for target in offering)
            for name, offering in owners.items()
            if len(offering) > 1
        },
        tuple((name, action) for name, ids in differing.items() for action in sorted(ids)),
    )


def _meaning(action: OfferedAction) -> tuple[bool, str, str]:
    return action.mutating, action.inverse, action.schema


def _without_texts(schema: Any) -> Any:
    """Return the schema without titles and descriptions, which mean nothing to a request."""
    if isinstance(schema, list):
        return [_without_texts(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_texts(part)
        for name, part in schema.items()
        if not (name in ("title", "description") and isinstance(part, str))
    }


def _targets(
    listed: ActionList, infos: Mapping[str, ActionInfo]
) -> Iterable[tuple[str, str, str, str, tuple[str, ...]]]:
    if listed.targets:
        for target in listed.targets[:MOST_TARGETS]:
            yield target.name, target.system, target.environment, target.owner, target.actions
        return
    # An older gateway lists the targets of each action only.
    offered: dict[str, list[str]] = {}
    for info in infos.values():
        for name in info.targets[:MOST_TARGETS]:
            offered.setdefault(name, []).append(info.id)
    for name, actions in list(offered.items())[:MOST_TARGETS]:
        yield name, "", str(listed.environments.get(name) or ""), "", tuple(actions)


def _action(info: ActionInfo) -> OfferedAction:
    problem, fields = "", None
    try:
        fields = fields_of(info.parameters)
    except SchemaProblem as error:
        problem = str(error)
    return OfferedAction(
        id=info.id,
        title=short_line(info.title)[:100] or info.id,
        mutating=info.mutating,
        inverse=info.inverse if _ACTION.fullmatch(info.inverse) else "",
        risk=Risk(info.risk) if info.risk in set(Risk) else Risk.HIGH,
        blast=short_line(info.blast),
        verified_by=short_line(info.verified_by),
        cancellable=info.cancellable,
        fields=fields,
        # A deep schema has no fields, so that none is walked here.
        schema=""
        if fields is None
        else json.dumps(_without_texts(info.parameters), sort_keys=True),
        problem=problem,
    )
