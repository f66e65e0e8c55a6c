"""Decoded frames: exact colours, one size, other formats."""
