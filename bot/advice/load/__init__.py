"""Limits the cost of advice: equal questions share one run, and answers are used again."""
