"""Provenance: how an output was made, and whether the files it was made from are unchanged."""

from kinoloom.base.provenance.input_files import InputFiles, sha256
from kinoloom.base.provenance.record import Provenance, to_jsonable, versions

__all__ = ["InputFiles", "Provenance", "sha256", "to_jsonable", "versions"]
