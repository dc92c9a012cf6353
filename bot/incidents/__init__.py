"""Incidents: model, keys, correlation, SOPs. Pure: no I/O, `now` is a parameter."""
