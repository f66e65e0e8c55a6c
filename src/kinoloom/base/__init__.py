"""The core types, the op, and what every part of kinoloom builds on; numpy only.

The types that hold arrays are loaded when they are first used, so that the command line starts
without numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy
from kinoloom.base.files import Nothing
from kinoloom.base.model import ModelCard
from kinoloom.base.need import need
from kinoloom.base.notes import Note, Notes
from kinoloom.base.op import Op, op
from kinoloom.base.options import option
from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report

if TYPE_CHECKING:
    from kinoloom.base.audio import Audio
    from kinoloom.base.clip import Clip, Colour, Frame
    from kinoloom.base.hdr import ContentLight, HdrMetadata, MasteringDisplay
    from kinoloom.base.spans import FileSource, GeneratedSource, Span
    from kinoloom.base.timeline import Timeline
    from kinoloom.base.tracks import Tier, Tracks

__all__ = [
    "Audio",
    "Clip",
    "Colour",
    "ContentLight",
    "FileSource",
    "Frame",
    "GeneratedSource",
    "HdrMetadata",
    "MasteringDisplay",
    "ModelCard",
    "Note",
    "Notes",
    "Nothing",
    "Op",
    "Provenance",
    "Report",
    "Span",
    "Tier",
    "Timeline",
    "Tracks",
    "need",
    "op",
    "option",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "Audio": "kinoloom.base.audio",
        "Clip": "kinoloom.base.clip",
        "Colour": "kinoloom.base.clip",
        "ContentLight": "kinoloom.base.hdr",
        "FileSource": "kinoloom.base.spans",
        "Frame": "kinoloom.base.clip",
        "GeneratedSource": "kinoloom.base.spans",
        "HdrMetadata": "kinoloom.base.hdr",
        "MasteringDisplay": "kinoloom.base.hdr",
        "Span": "kinoloom.base.spans",
        "Tier": "kinoloom.base.tracks",
        "Timeline": "kinoloom.base.timeline",
        "Tracks": "kinoloom.base.tracks",
    },
    __all__,
)
