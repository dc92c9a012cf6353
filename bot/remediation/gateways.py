"""The gateways that the bot uses, and which of them acts on which target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.approvals.rules import fits_any
from bot.errors import GatewayUnavailable, InputError
from bot.language import deferred
from bot.remediation.client import GatewayClient
from bot.remediation.offers import NO_OFFERS, Offers

DEFAULT = ""
"""The name of the gateway that the settings describe; a file may declare others."""

SHOWN_DEFAULT = "default"
"""Its name in logs, metrics and messages."""


def names_of(gateways: Iterable[str]) -> str:
    """Return these gateways' names for people."""
    return ", ".join(name or SHOWN_DEFAULT for name in gateways)


@dataclass(frozen=True, slots=True)
class NamedGateway:
    """A gateway with its name. `targets` are the only names (globs) that it may act on; () is all.

    The bot does not start without a `required` one.
    """

    client: GatewayClient
    name: str = DEFAULT
    required: bool = True
    targets: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return the name for people."""
        return self.name or SHOWN_DEFAULT

    def may_offer(self, target: str) -> bool:
        """Return whether the operator lets it act on this target."""
        return not self.targets or fits_any(target, self.targets)


class Gateways:
    """All gateways, the one of the settings first. One gateway is a list of one.

    `offers` returns what they list now: a target is acted on by the gateway that lists it.
    """

    def __init__(
        self, gateways: Sequence[NamedGateway], offers: Callable[[], Offers] = lambda: NO_OFFERS
    ) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._offers = offers

    def __iter__(self) -> Iterator[NamedGateway]:
        return iter(self._gateways.values())

    @property
    def are_several(self) -> bool:
        """Return whether there is more than one."""
        return len(self._gateways) > 1

    def named(self, name: str) -> NamedGateway:
        """Return the gateway of that name. GatewayUnavailable if it is no longer declared."""
        if name not in self._gateways:
            raise GatewayUnavailable(
                deferred("The gateway {name} is not declared any more.", name=name),
                remedy=deferred("Declare it again in GATEWAYS_FILE, or propose the action anew."),
            )
        return self._gateways[name]

    def for_target(self, target: str) -> NamedGateway:
        """Return the gateway that acts on the target.

        The one that lists it; else the only one whose `targets` name it; else the one of the
        settings. InputError if two of them have such a target: neither is guessed.
        """
        offers = self._offers()
        if target in offers.targets:
            return self.named(offers.targets[target].gateway)
        clashing = offers.clashes.get(target) or tuple(
            gateway.name for gateway in self if gateway.targets and gateway.may_offer(target)
        )
        if len(clashing) > 1:
            raise InputError(
                deferred(
                    "Two gateways have a target {target}: {names}. Nothing is sent to either.",
                    target=target[:60],
                    names=names_of(clashing),
                ),
                field="target",
                remedy=deferred("Rename it at one of them, or narrow `targets` in GATEWAYS_FILE."),
            )
        return self.named(clashing[0] if clashing else DEFAULT)
