"""Audio tracks: reading, stretching, writing."""
