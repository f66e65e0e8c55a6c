"""Filters of pictures: colour, sharpness, bands, blocks, light and grain."""
