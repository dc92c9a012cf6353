"""The reference gateway: a separate process, the only one that may touch infrastructure.

It shares only the wire format with the bot. It runs declared actions on declared targets: an argv
list from its own config, or a call of the Docker Engine API. It uses no shell and no model.
"""
