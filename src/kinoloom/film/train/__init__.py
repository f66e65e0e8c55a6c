"""Training of the networks for frame interpolation."""
