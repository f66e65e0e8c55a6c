"""Clip: a lazy sequence of frames with exact times, colour and HDR metadata."""

from kinoloom.base.clip.clip import Clip, DeferredFrame, Frame
from kinoloom.base.clip.color import Color, ContentLight, HdrMetadata, MasteringDisplay
from kinoloom.base.clip.pacing import Pacing
from kinoloom.base.clip.preroll import read_with_preroll

__all__ = [
    "Clip",
    "Color",
    "ContentLight",
    "DeferredFrame",
    "Frame",
    "HdrMetadata",
    "MasteringDisplay",
    "Pacing",
    "read_with_preroll",
]
