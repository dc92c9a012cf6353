"""Detectors: values of Prometheus that deviate from what is usual become alerts."""
