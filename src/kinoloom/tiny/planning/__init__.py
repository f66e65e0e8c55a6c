"""Operation order, fusion and memory layout of a training step."""
