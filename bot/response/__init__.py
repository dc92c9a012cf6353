"""The story of an incident: receive, advise, propose, approve, run, verify, resolve."""

from bot.response.receive import Delivery
from bot.response.story import Response

__all__ = ["Delivery", "Response"]
