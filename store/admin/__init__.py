"""A store as a whole: its state, invariants, backups and copies."""
