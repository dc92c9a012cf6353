"""The whole job on one machine: local Slack, gateway, a service that falls ill, and the bot."""
