"""What the bot's and the gateway's HTTP servers share: limits, host names, log lines."""
