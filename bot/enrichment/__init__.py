"""Fetches what is known about an incident: from the operator's declared sources."""
