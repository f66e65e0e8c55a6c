"""Training: one loop for every network of kinoloom, with its checkpoints, logs and losses.

A subject uses `settings.Settings`, `task.Task`, `loop.train`, `seeds` for its batches,
`checkpointing.weights.read_weights` for the result, and the functions in `losses`.
"""
