"""From an inference program to a training step: sparse-update schemes and autodiff."""
