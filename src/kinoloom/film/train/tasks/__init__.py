"""Training tasks: each joins a network, its batches, its losses and its validation."""
