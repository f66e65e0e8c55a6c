"""Enhancement of one picture: stages, run in tiles."""
