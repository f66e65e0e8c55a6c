"""Measurements beside named peers; see each module for its command."""
