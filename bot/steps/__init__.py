"""Everything that runs without being asked: one table of steps, and one runner."""
