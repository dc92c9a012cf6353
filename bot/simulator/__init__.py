"""A local Slack: Web API, Socket Mode, incoming webhooks, and a page to look at and click.

It is made from Slack's documentation and from captured traffic, imports nothing of the bot, and is
imported by nothing of it. `bot.simulator.local.LocalSlack` is the way in for tests and the demo.
"""
