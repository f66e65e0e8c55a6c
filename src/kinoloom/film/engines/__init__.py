"""The engines of frame interpolation, one module each."""
