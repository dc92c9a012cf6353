"""Logs and metrics. They only observe; no other part depends on them."""
