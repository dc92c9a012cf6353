"""The audit trail: its key, its hash chain, and proof of every row."""
