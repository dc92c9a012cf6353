"""The whole demo on one machine: local Slack, gateway, a failing service, and the bot."""
