"""Tracks: things followed in time and labels of time."""

from kinoloom.base.tracks.tracks import Tier, Tracks

__all__ = ["Tier", "Tracks"]
