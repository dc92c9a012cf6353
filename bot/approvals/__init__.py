"""Who may say yes to what. Pure: no I/O, `now` is a parameter."""
