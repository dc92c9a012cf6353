"""Plays a stream of alerts through the code that runs live, on a store in memory."""
