"""The life of an incident: receive, advise, propose, approve, run, verify, resolve."""

from bot.response.dependencies import Dependencies
from bot.response.receive import Delivery
from bot.response.service import IncidentService

__all__ = ["Delivery", "Dependencies", "IncidentService"]
