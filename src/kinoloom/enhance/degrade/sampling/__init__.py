"""Presets: the distributions from which recipes are sampled."""
