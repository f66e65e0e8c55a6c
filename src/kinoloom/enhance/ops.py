"""Declarations of the ops on enhancement."""
