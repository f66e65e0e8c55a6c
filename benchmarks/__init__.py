"""Measurements next to named peers; each module gives its command."""
