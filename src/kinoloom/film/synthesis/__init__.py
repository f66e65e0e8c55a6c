"""Synthesis of a frame from motion candidates: sampling, weighting and fusion."""
