"""The shared parts of the bot's and the gateway's HTTP servers: limits, host names, log lines."""
