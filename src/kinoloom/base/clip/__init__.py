"""Clip: a lazy sequence of frames with exact times, colour and HDR metadata."""

from kinoloom.base.clip.clip import Clip, Frame
from kinoloom.base.clip.color import Color, ContentLight, HdrMetadata, MasteringDisplay
from kinoloom.base.clip.preroll import read_with_preroll

__all__ = [
    "Clip",
    "Color",
    "ContentLight",
    "Frame",
    "HdrMetadata",
    "MasteringDisplay",
    "read_with_preroll",
]
