"""Where models run: weights found on this machine, pictures too large for its memory in tiles."""
