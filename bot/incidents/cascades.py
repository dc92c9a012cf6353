"""Decides which open cascade a new incident joins.

A cascade is a root incident with its children. `RULES` is the table of what links two incidents;
every rule needs the same environment, a compatible region and cluster, and two troubles that can
spread (`troubles`). A window is counted from the newest member of the cascade, because a cascade
spreads from member to member. What no rule links stays apart: a wrong merge is worse than a split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from types import MappingProxyType

from bot.incidents.contradictions import clash, stand_apart
from bot.incidents.correlation import IdentifiedAlert, Reason
from bot.incidents.ourselves import is_about_ourselves
from bot.incidents.services import spelling
from bot.incidents.subject import Scope
from bot.incidents.suggested_names import suggested_name
from bot.incidents.troubles import Trouble, trouble_of

WINDOW = timedelta(minutes=5)
DEPLOY_WINDOW = timedelta(minutes=15)
CLOCKS_DIFFER = timedelta(minutes=10)
"""By so much the clocks of two senders may differ; then the times of arrival count too."""
OLDEST_BELIEVED = timedelta(days=30)
MOST_NEIGHBOURS = 200
"""Callers and callees of one service that are looked for: a service called by more is a hub."""

Facts = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Calls:
    """The declared relations between services: names in the form of `Scope.service`.

    `apart`: pairs of services whose incidents never become one cascade by themselves.
    """

    callees: Mapping[str, frozenset[str]] = field(default_factory=dict)
    callers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    apart: frozenset[frozenset[str]] = frozenset()

    @classmethod
    def of(
        cls,
        depends_on: Mapping[str, Iterable[str]],
        apart: Mapping[str, Iterable[str]] = MappingProxyType({}),
    ) -> Calls:
        """Build from names of services, each with those that it calls, and is kept apart from."""
        callees: dict[str, set[str]] = {}
        callers: dict[str, set[str]] = {}
        for name, called in depends_on.items():
            caller = spelling(name)
            for other in map(spelling, called):
                if other != caller:
                    callees.setdefault(caller, set()).add(other)
                    callers.setdefault(other, set()).add(caller)
        return cls(
            {name: frozenset(names) for name, names in callees.items()},
            {name: frozenset(names) for name, names in callers.items()},
            frozenset(
                frozenset((spelling(name), spelling(other)))
                for name, others in apart.items()
                for other in others
            ),
        )

    def calls_of(self, service: str) -> frozenset[str]:
        """Return the services that this one is declared to call."""
        return self.callees.get(service, frozenset())

    def callers_of(self, service: str) -> frozenset[str]:
        """Return the services that are declared to call this one."""
        return self.callers.get(service, frozenset())


NO_CALLS = Calls()


def neighbours(calls: Calls, service: str) -> list[str]:
    """Return the declared callers and callees of a service, in the order of their names."""
    return sorted(calls.calls_of(service) | calls.callers_of(service))[:MOST_NEIGHBOURS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The facts of an incident that the rules read. An unknown text is ''.

    `id` is 0 for an incident that is about to open. `root_id` is the cascade's root, its own id for
    a root. `service` is as `service_of` returns it, `suggested` as `suggested_name` does. `runs_on`
    is the node or host, in the zone `zone`. `at` is the time of its first alert, `grew_at` that of
    the newest member of its cascade, `came_at` when the bot received its first alert.
    """

    id: int = 0
    root_id: int = 0
    scope: Scope
    service: str = ""
    suggested: str = ""
    runs_on: str = ""
    zone: str = ""
    namespace: str = ""
    trouble: Trouble = Trouble.ACUTE
    at: datetime
    grew_at: datetime
    came_at: datetime

    @property
    def is_zone_down(self) -> bool:
        """Return True if it is about a zone that is down, and about none of its nodes."""
        return self.trouble is Trouble.NODE_DOWN and bool(self.zone) and not self.runs_on


@dataclass(frozen=True, slots=True)
class Relation:
    """A rule that links a new incident with a member of a cascade, with its facts."""

    rule: Reason
    member: Member
    facts: Facts


def happened_at(identified_alert: IdentifiedAlert, now: datetime) -> datetime:
    """Return the time of an alert: its sender's, else its start, else its arrival.

    A burst that arrives late after an outage must not look as if it had happened together. A time
    in the future, or of long ago, is not believed.
    """
    alert = identified_alert.alert
    for time in (identified_alert.sent_at, alert.starts_at):
        if time is not None and now - OLDEST_BELIEVED <= time <= now:
            return time
    return now


def newcomer(identified_alert: IdentifiedAlert, now: datetime) -> Member:
    """Return what the rules read of an incident that this alert would open."""
    alert, at = identified_alert.alert, happened_at(identified_alert, now)
    scope, subject = identified_alert.scope, identified_alert.subject
    return Member(
        scope=scope,
        service=service_of(scope),
        suggested=suggested_name(scope),
        runs_on=subject.runs_on,
        zone=subject.zone,
        namespace=subject.namespace.lower(),
        trouble=trouble_of(alert),
        at=at,
        grew_at=at,
        came_at=now,
    )


def service_of(scope: Scope) -> str:
    """Return the scope's service, or the workload or host that stands for it; '' if the alert names
    none, or only a guess does.

    `subject.scope_of` writes an alert that is about nothing else than itself with a space, and a
    guess with a `?`.
    """
    is_own = " " in scope.service and not scope.service.startswith(("workload ", "host "))
    return "" if is_own or "?" in scope.service else scope.service


def _same_zone(new: Member, member: Member, _calls: Calls) -> Facts | None:
    is_down = new.is_zone_down or member.is_zone_down
    if not is_down or not new.zone or new.zone != member.zone:
        return None
    return {"zone": new.zone}


def _same_node(new: Member, member: Member, _calls: Calls) -> Facts | None:
    is_down = Trouble.NODE_DOWN in (new.trouble, member.trouble)
    if not is_down or not new.runs_on or new.runs_on != member.runs_on:
        return None
    return {"node": new.runs_on}


def _same_service(new: Member, member: Member, _calls: Calls) -> Facts | None:
    if not new.service or new.service != member.service:
        return None
    return {
        "service": new.service,
        "category": new.scope.category,
        "other_category": member.scope.category,
    }


def _named_alike(new: Member, member: Member, _calls: Calls) -> Facts | None:
    service = new.suggested or member.suggested
    if not service or service not in (new.service, member.service):
        return None
    return None if new.scope.contradicts(member.scope) else {"service": service}


def _calls_between(new: Member, member: Member, calls: Calls) -> Facts | None:
    if not new.service or not member.service:
        return None
    if member.service in calls.calls_of(new.service):
        return {"caller": new.service, "callee": member.service}
    if new.service in calls.calls_of(member.service):
        return {"caller": member.service, "callee": new.service}
    return None


def _deployed(new: Member, member: Member, _calls: Calls) -> Facts | None:
    is_deploy = Trouble.DEPLOY in (new.trouble, member.trouble)
    if not is_deploy or not new.service or new.service != member.service:
        return None
    return {"service": new.service}


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: the code, how long after the newest member, and the test of two members.

    The test returns the facts that link the two, or None.
    """

    reason: Reason
    within: timedelta
    test: Callable[[Member, Member, Calls], Facts | None]


RULES = (
    Rule(Reason.ZONE_DOWN, WINDOW, _same_zone),
    Rule(Reason.NODE_DOWN, WINDOW, _same_node),
    Rule(Reason.SYMPTOM, WINDOW, _same_service),
    Rule(Reason.NAMED_ALIKE, WINDOW, _named_alike),
    Rule(Reason.CALLS, WINDOW, _calls_between),
    Rule(Reason.DEPLOY, DEPLOY_WINDOW, _deployed),
)


LONGEST_WINDOW = max(rule.within for rule in RULES)
LONGEST_CASCADE = timedelta(minutes=30)
"""So long after its root began a cascade takes something in: it must not grow for ever."""


def links(new: Member, members: Iterable[Member], calls: Calls) -> list[Relation]:
    """Return the best link of the new incident with each open cascade, the oldest cascade first.

    Of two links with one cascade the earlier row of `RULES` counts, then the older member. If the
    cascades contradict each other (the new incident's region is unknown, theirs are two), none is
    right. Nothing is linked with an alert about the bot but another one: no advisor is asked about
    such a root, so whoever forges one would take the advice from its children.
    """
    members = sorted(members, key=lambda member: member.id)
    is_ours = is_about_ourselves(new.scope)
    best: dict[int, tuple[int, Relation]] = {}
    for member in members:
        if Trouble.SLOW in (new.trouble, member.trouble):
            continue
        if is_about_ourselves(member.scope) is not is_ours:
            continue
        link = _first_link(new, member, calls)
        if link is None or _contradict(new, member, calls):
            continue
        known_link = best.get(member.root_id)
        if known_link is None or link[0] < known_link[0]:
            best[member.root_id] = link
    chosen = [best[root_id][1] for root_id in sorted(best)]
    scopes: defaultdict[int, list[Scope]] = defaultdict(list)
    for member in members:
        scopes[member.root_id].append(member.scope)
    return compatible(new.scope, chosen, scopes, calls)


def compatible(
    new: Scope, chosen: Iterable[Relation], scopes: Mapping[int, Collection[Scope]], calls: Calls
) -> list[Relation]:
    """Return the links with cascades of which no member contradicts the new incident; none if two
    of these cascades contradict each other. `scopes` are those of the members, by their root.

    A member of unknown region would else bring two regions into one cascade. What contradicts the
    linked member is there because a person merged it, and stands in nobody's way. Where only a
    name links them, each difference counts: two hosts of one name in two domains are perhaps two
    faults.
    """
    kept: list[Relation] = []
    joined: dict[int, list[Scope]] = {}  # without what a person merged
    for link in chosen:
        linked, root_id = link.member.scope, link.member.root_id
        members = scopes.get(root_id, ())
        fitting = [scope for scope in members if not stand_apart(linked, scope, calls.apart)]
        if not any(stand_apart(new, scope, calls.apart) for scope in fitting) and not (
            link.rule is Reason.NAMED_ALIKE and any(map(new.contradicts, members))
        ):
            kept.append(link)
            joined[root_id] = fitting
    linked_members = {
        (*_where(link.member.scope), link.member.service): link.member for link in kept
    }
    if any(_contradict(*pair, calls) for pair in combinations(linked_members.values(), 2)):
        return []
    return [] if clash(joined, calls.apart) else kept


def _where(scope: Scope) -> tuple[str, str, str]:
    return scope.env, scope.region, scope.place


def _contradict(first: Member, second: Member, calls: Calls) -> bool:
    """Return True if the two are declared to be apart, or known to be in different places.

    The namespace tells apart what has one name twice, and nothing else: the pods of a node, and a
    service and those that it calls, are in many.
    """
    if calls.apart and frozenset((first.service, second.service)) in calls.apart:
        return True
    return first.scope.contradicts(second.scope, namespaces=first.service == second.service)


def _first_link(new: Member, member: Member, calls: Calls) -> tuple[int, Relation] | None:
    """Return the first row of `RULES` that links the two, after its place in the table."""
    gap = abs(new.at - member.grew_at)
    shortest = min(gap, _between(new, member))
    for rank, rule in enumerate(RULES):
        facts = rule.test(new, member, calls) if shortest <= rule.within else None
        if facts is not None:
            facts = {**facts, "seconds": int(gap.total_seconds())}
            return rank, Relation(rule.reason, member, facts)
    return None


def _between(new: Member, member: Member) -> timedelta:
    """Return how long lay between the two, by their senders.

    Or by their arrival, if that is shorter and their times differ by no more than clocks do.
    """
    by_senders, by_arrival = abs(new.at - member.at), abs(new.came_at - member.came_at)
    return by_senders if by_senders > CLOCKS_DIFFER else min(by_senders, by_arrival)
