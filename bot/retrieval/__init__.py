"""Finds the runbook passages that an alert is about: reading, tokens, index, ranking, floor."""
