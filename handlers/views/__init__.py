"""Turns models into blocks. Pure functions: no I/O, `now` is a parameter."""
