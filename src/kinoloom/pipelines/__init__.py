"""Pipelines: steps, conditions, sessions."""
