"""The target of an incident, and the gateway's reading actions on it.

A target is named by an SOP or by an alert's service or label, as that of a proposal is: never by a
model's text. It counts only if the gateway offers to read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.configuration import LiveConfiguration
from bot.incidents.model import Alert, Incident
from bot.remediation.catalogue import is_change, is_enabled
from bot.remediation.offers import OfferedAction, Possible
from bot.remediation.reading import is_reading
from bot.response.proposal_parts import named_targets, offered, values_from

BUTTONS = ("status", "logs")
"""The reading actions that a person gets with one press, by the last part of their ids."""


def possible(config: LiveConfiguration, first: str = "") -> list[Possible]:
    """Return what the gateway offers and the policy does not disable, by target.

    The targets stand in the order of their names, `first` before all others.
    """
    policy = config.current.policy.remediate
    rows = []
    for name in sorted(config.offers.targets, key=lambda name: (name != first, name)):
        offered_here = config.offers.of_target(name, mutating=True)
        changes = tuple(action for action in offered_here if is_enabled(policy, action.id))
        reads = tuple(readable(config, name))
        if changes or reads:
            rows.append(Possible(config.offers.targets[name], changes, reads))
    return rows


def readable(config: LiveConfiguration, target: str) -> list[OfferedAction]:
    """Return the reading actions on the target that the operator does not forbid.

    The bot or its policy must call an action reading. An action that the policy or an SOP takes
    for a change is not among them, whatever the gateway says of it.
    """
    current = config.current
    policy = current.policy.remediate
    changes = {action.action for sop in current.sops.sops for action in sop.actions}
    return [
        action
        for action in config.offers.of_target(target, mutating=False)
        if is_reading(policy, action.id)
        and action.id not in changes
        and not is_change(policy, action.id)
        and is_enabled(policy, action.id)
    ]


def named_by(actions: list[OfferedAction], verb: str) -> OfferedAction | None:
    """Return the action of that id or last part of an id; None without one, or with several."""
    named = [action for action in actions if verb in (action.id, action.id.rpartition(".")[2])]
    return named[0] if len(named) == 1 else None


def target_of(
    config: LiveConfiguration, incident: Incident, alert: Alert | None, now: datetime
) -> str:
    """Return the first target of the incident that can be read; '' without one."""
    names = _names(config, incident, alert, now)
    return next((name for name in names if readable(config, name)), "")


def _names(
    config: LiveConfiguration, incident: Incident, alert: Alert | None, now: datetime
) -> Iterator[str]:
    """Name those of the SOP's actions first, then those of the alerts."""
    current = config.current
    sop = current.sops.get(incident.sop_id)
    if sop is not None and alert is not None:
        declared = current.policy.remediate.declared
        for _place, action in offered(sop, alert, declared, current.services):
            yield str(values_from(sop, action, alert, now).get("target", ("",))[0])
    yield from named_targets(incident, alert)
