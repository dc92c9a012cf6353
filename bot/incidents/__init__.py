"""What an incident is: model, keys, correlation, SOPs. Pure: no I/O, `now` is a parameter."""
