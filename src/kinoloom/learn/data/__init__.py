"""Readers of training data: triplets, picture sequences, videos, photos."""
