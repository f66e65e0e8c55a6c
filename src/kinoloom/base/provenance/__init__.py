"""Provenance: how an output was made, and whether the files it was made from are unchanged."""

from kinoloom.base.provenance.input_files import (
    InputFiles,
    ManyInputFiles,
    check_job_inputs,
    sha256,
)
from kinoloom.base.provenance.record import Provenance, to_jsonable, versions

__all__ = [
    "InputFiles",
    "ManyInputFiles",
    "Provenance",
    "check_job_inputs",
    "sha256",
    "to_jsonable",
    "versions",
]
