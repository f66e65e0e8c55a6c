"""Blind estimation: what a picture or a video suffers from, measured without a reference."""
