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
    from kinoloom.base.clip import (
        Clip,
        Color,
        ContentLight,
        Frame,
        HdrMetadata,
        MasteringDisplay,
    )
    from kinoloom.base.timeline import FileSource, GeneratedSource, Span, Timeline
    from kinoloom.base.tracks import Tier, Tracks

__all__ = [
    "Audio",
    "Clip",
    "Color",
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
        "Color": "kinoloom.base.clip",
        "ContentLight": "kinoloom.base.clip",
        "FileSource": "kinoloom.base.timeline",
        "Frame": "kinoloom.base.clip",
        "GeneratedSource": "kinoloom.base.timeline",
        "HdrMetadata": "kinoloom.base.clip",
        "MasteringDisplay": "kinoloom.base.clip",
        "Span": "kinoloom.base.timeline",
        "Tier": "kinoloom.base.tracks",
        "Timeline": "kinoloom.base.timeline",
        "Tracks": "kinoloom.base.tracks",
    },
    __all__,
)
