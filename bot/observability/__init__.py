"""Logs and metrics. They listen; nothing depends on their being heard."""
