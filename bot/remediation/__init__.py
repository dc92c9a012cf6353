"""The gateway's catalogue, its wire format and its client."""
