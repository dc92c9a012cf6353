"""The rules of approval: who may approve which action. Pure: no I/O, `now` is a parameter."""
