"""Fidelity to float32, learning curves and the search for an update scheme."""
