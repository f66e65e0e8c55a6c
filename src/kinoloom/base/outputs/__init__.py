"""Outputs: they appear completely or not at all, and replace nothing without permission."""

from kinoloom.base.outputs.atomic import (
    atomic_output,
    check_not_input,
    check_output,
    name_aside,
    name_output_errors,
    replace,
    work_folder,
    write_text_atomically,
)

__all__ = [
    "atomic_output",
    "check_not_input",
    "check_output",
    "name_aside",
    "name_output_errors",
    "replace",
    "work_folder",
    "write_text_atomically",
]
