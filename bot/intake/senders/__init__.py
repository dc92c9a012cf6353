"""The parsers: one file for each tool that sends alerts."""
