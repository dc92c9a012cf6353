"""The gateway becomes unavailable and recovers."""

from __future__ import annotations

import pytest

from bot.errors import GatewayUnavailable
from bot.remediation.gateways import DEFAULT, Gateways, NamedGateway
from bot.response.gateway_watch import GatewayWatch
from store import Store, open_store
from tests.helpers.builders import AUDIT_KEY, NOW, OPS, alert, deliver, later


class Gateway:
    """Healthy or not, as a test says."""

    is_up = False

    async def health(self) -> None:
        if not self.is_up:
            raise GatewayUnavailable("The gateway cannot be reached.")


async def test_what_waits_for_the_gateway_is_due_at_once_when_it_is_back() -> None:
    store: Store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    try:
        await deliver(store, alert(), sop_id="sop_web")
        task = await store.claim_proposal(NOW)
        assert task is not None
        await store.defer_proposal(task.id, later(60), is_our_fault=False)
        gateway = Gateway()
        gateways = Gateways([NamedGateway(gateway)])  # type: ignore[arg-type]
        watch = GatewayWatch(gateways, store, lambda: later(5), OPS)
        with pytest.raises(GatewayUnavailable):
            await watch.check(gateways.named(DEFAULT))
        assert await store.claim_proposal(later(5)) is None
        gateway.is_up = True
        await watch.check(gateways.named(DEFAULT))
        claimed = await store.claim_proposal(later(5))
        assert claimed is not None
        assert claimed.id == task.id
    finally:
        await store.close()
