"""Implementations of the `pipeline` commands; each returns a report."""
