"""Training samples: photos with their reductions, and photos with noise."""
