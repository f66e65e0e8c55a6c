"""Decoded frames: exact colours, one size, other formats, and parts of clips."""
