"""The few nouns, the op, and what every part of kinoloom stands on; numpy only."""

from kinoloom.base.audio import Audio
from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.files import Nothing
from kinoloom.base.hdr import ContentLight, HdrMetadata, MasteringDisplay
from kinoloom.base.model import ModelCard
from kinoloom.base.need import need
from kinoloom.base.notes import Note, Notes
from kinoloom.base.op import Op, op
from kinoloom.base.options import option
from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report
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
