"""Checkpoints, averaged weights and weight files of training runs."""
