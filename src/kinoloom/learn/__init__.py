"""Training: one loop for every network of kinoloom, its checkpoints and logs, and the losses.

What a subject needs: `settings.Settings`, `task.Task`, `loop.train`, `seeds` for its batches,
`weights.read_weights` for the result, and the functions of `losses`. See README.md.
"""
