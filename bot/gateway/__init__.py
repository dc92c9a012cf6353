"""The reference gateway: another process, the only one that may touch infrastructure.

It imports nothing of the bot but the wire format. It runs declared actions on declared targets:
an argv list from its own config, or a call of the Docker Engine API. No shell, no model.
"""
