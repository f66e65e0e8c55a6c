"""The networks of frame interpolation, in torch."""
