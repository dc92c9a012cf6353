"""The benchmarks. `python -m benchmarks` runs them; nothing in the bot imports this."""
