"""Training of the networks for enhancement."""
