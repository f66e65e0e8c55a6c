"""Tuning jobs: the search, the training jobs and early stopping."""
