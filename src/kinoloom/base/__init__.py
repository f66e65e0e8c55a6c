"""The few nouns, the op, and what every part of kinoloom stands on; numpy only."""

from kinoloom.base.audio import Audio
from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.files import Nothing
from kinoloom.base.model import ModelCard
from kinoloom.base.need import need
from kinoloom.base.notes import Note, Notes
from kinoloom.base.op import Op, op
from kinoloom.base.options import option
from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report

__all__ = [
    "Audio",
    "Clip",
    "Colour",
    "Frame",
    "ModelCard",
    "Note",
    "Notes",
    "Nothing",
    "Op",
    "Provenance",
    "Report",
    "need",
    "op",
    "option",
]
