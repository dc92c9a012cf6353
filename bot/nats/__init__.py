"""The bot on NATS JetStream: anomalies arrive as messages, and the bot publishes what it does.

`NATS_URL` turns it on. The library is an extra (`make nats`), so only `bot.nats.session` and the
modules that it imports import it, and only a bot with `NATS_URL` imports them.
"""
