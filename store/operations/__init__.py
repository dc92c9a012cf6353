"""What the store does, as engine-free operations: one file a noun."""
