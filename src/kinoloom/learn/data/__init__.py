"""Readers of training data: triplets, image sequences, videos, photos."""
