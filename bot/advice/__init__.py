"""What to try next: the advisor command (Q, Kiro, any CLI) and, without it, the SOP's own words."""
