"""The configuration in force: policy, SOPs, mappings. A reload replaces all by one assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.binding import ConfigDigests, digest_of_text
from bot.approvals.facts import Config
from bot.approvals.limits import Limits
from bot.approvals.model import Approval
from bot.approvals.rules import PolicyInput, demand
from bot.incidents.cascades import Calls
from bot.incidents.model import Incident
from bot.incidents.services import Catalogue
from bot.incidents.sops import SopLibrary
from bot.intake.mappings import NO_MAPPINGS, SourceMappings
from bot.policy import Policy
from bot.remediation.catalogue import (
    CATALOGUE,
    COOLDOWN,
    Action,
    cooldowns_in,
    is_enabled,
    risk_in,
)
from bot.remediation.offers import NO_OFFERS, Offers


@dataclass(frozen=True, slots=True)
class Configuration:
    """Policy, services, SOPs and mappings of one moment, which belong together: nothing changes in
    them. `policy_digest` is the SHA-256 of the policy's files. `shadow` is a policy that is only
    compared with it.
    """

    policy: Policy = field(default_factory=Policy)
    sops: SopLibrary = field(default_factory=SopLibrary)
    mappings: SourceMappings = NO_MAPPINGS
    policy_digest: str = ""
    shadow: Policy | None = None
    calls: Calls = field(init=False)
    """The declared relations between services."""
    shadow_calls: Calls = field(init=False)
    """The same, by the shadow policy."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", self._calls(self.policy))
        object.__setattr__(self, "shadow_calls", self._calls(self.shadow or self.policy))

    def _calls(self, policy: Policy) -> Calls:
        calls = self.services.calls(policy.correlate.depends_on)
        return Calls.of(calls, self.services.apart())

    @property
    def services(self) -> Catalogue:
        """The declared services, which the SOPs know too."""
        return self.sops.services

    def written(self, sop_id: str) -> ConfigDigests:
        """Digests of the text that a remediation of that SOP ID depends on."""
        sop = self.sops.get(sop_id)
        return ConfigDigests(
            sop=digest_of_text(sop.model_dump_json()) if sop else "",
            policy=digest_of_text(self.policy.remediate.model_dump_json()),
        )

    def config_for(self, approval: Approval, incident: Incident) -> Config:
        """The operator's files about an approval of that incident, as they are now."""
        remediate = self.policy.remediate
        action_id = approval.proposal.action_id
        if not is_enabled(remediate, action_id):
            return Config(self.written(incident.sop_id).sop, None)
        requirement = demand(
            remediate,
            PolicyInput(
                action_id=action_id,
                risk=risk_in(remediate, action_id),
                environment=approval.preview.environment,
                alert_environment=incident.env,
                targets=approval.terms.targets,
                seen=approval.terms.seen,
                fits=approval.terms.fits,
                asked_by=approval.requested_by or "".join(approval.terms.editors[-1:]),
            ),
        )
        return Config(self.written(incident.sop_id).sop, requirement)

    @property
    def limits(self) -> Limits:
        """The limits of every dispatch."""
        remediate = self.policy.remediate
        return Limits(
            cooldowns=cooldowns_in(remediate),
            other_cooldown=COOLDOWN,
            breaker_failures=remediate.breaker_failures,
            breaker_span=timedelta(seconds=remediate.breaker_seconds),
            hourly_budget=remediate.hourly_budget,
            hourly_budget_per_sop=remediate.hourly_budget_per_sop,
            hourly_budget_per_target=remediate.hourly_budget_per_target,
            windows=remediate.maintenance_windows,
        )


class LiveConfiguration:
    """The one reference to the configuration in force.

    Whoever reads the policy holds this and reads `current` when it decides, so that a reload
    reaches everybody at the same moment. A decision of several steps reads `current` once.

    `offers` is what the gateway can do to what, and `actions` those that may be proposed: the
    bot's own and the gateway's.
    """

    def __init__(self, current: Configuration | None = None) -> None:
        self.current = current or Configuration()
        self.offers = NO_OFFERS
        self.actions: Mapping[str, Action] = CATALOGUE

    def take_offers(self, offers: Offers, actions: Mapping[str, Action]) -> None:
        """Use the gateway's list from now on, and the actions made from it."""
        self.offers, self.actions = offers, actions
