"""Advice: from the advisor command (Q, Kiro, any CLI) or, without one, from the SOP's own text."""
