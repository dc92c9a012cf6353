"""Handles the buttons Status and Logs below the evidence in an incident's thread."""

from __future__ import annotations

from typing import Any

from bot.response import IncidentService
from handlers.listeners.incidents import incident_of_press
from handlers.listeners.registration import Listeners
from handlers.views import gateway_output


def register(listeners: Listeners) -> None:
    """Register the buttons."""
    listeners.action("sopbot.read.status", read_status)
    listeners.action("sopbot.read.logs", read_logs)


async def read_status(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    """Show the status of the incident's target to the person."""
    return await _read("status", body, action, service)


async def read_logs(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> str:
    """Show the last log lines of the incident's target to the person."""
    return await _read("logs", body, action, service)


async def _read(
    verb: str, body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    incident = await incident_of_press(body, action, service)
    user, channel = str(body["user"]["id"]), str((body.get("channel") or {}).get("id", ""))
    reading = await service.gateway_reads.run_on_target(incident, verb, user, channel)
    return gateway_output.shown(reading.action.id, reading.target, reading.outcome, reading.id)
