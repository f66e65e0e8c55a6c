"""Photos: reading into sRGB, metadata, writing."""
