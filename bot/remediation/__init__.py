"""What may be asked of the gateway, the wire it travels on, and the client."""
