"""Synthesis of a frame from motion candidates: sampling, weighting, mixing."""
