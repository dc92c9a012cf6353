"""The card names the declared owner of the service, as data that mentions nobody."""

from __future__ import annotations

from bot.incidents.services import Catalogue, Service
from bot.incidents.sops import SopLibrary
from handlers.outbound.rendering import Renderer
from store import open_store
from tests.handlers.conftest import Known
from tests.helpers.builders import open_incident
from tests.helpers.models import texts


async def test_the_card_names_the_declared_owner_of_its_service() -> None:
    store = await open_store("sqlite://", owner="bot-a")
    incident = await open_incident(store)
    message = await store.outbox_message(f"card:{incident.id}")
    assert message is not None
    shown = []
    for owner in ("team-web <!channel>", ""):
        services = Catalogue.of([Service(name=incident.service, owner=owner)])
        rendered = await Renderer(Known(store, SopLibrary(services=services))).render(message)
        assert rendered is not None
        shown.append("\n".join(texts(rendered.blocks)))
    assert "web · service of team-web" in shown[0]
    assert "<!channel>" not in shown[0]
    assert "service of" not in shown[1]
    await store.close()
