"""Executions, steps and models as plain values, for pages that show them."""
