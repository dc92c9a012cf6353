"""Asks the advisors (programs, agents, models' servers), or makes advice of the SOP's own rules."""
