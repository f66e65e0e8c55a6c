"""Check: one finding of `kinoloom doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from kinoloom.base.need import install_line


@dataclass(frozen=True)
class Check:
    """Whether one part of the installation is present.

    Attributes:
        name: of the part.
        present: whether it is installed and works.
        detail: its version or location if present, else what is wrong.
        needed_for: what it enables.
        remedy: the exact command that installs it; "" if present.
        required: whether kinoloom cannot work without it.
    """

    name: str
    present: bool
    detail: str
    needed_for: str
    remedy: str = ""
    required: bool = False


def check_extra(module: str, *, extra: str, needed_for: str) -> Check:
    """Look for the module of an extra without importing it."""
    if find_spec(module) is not None:
        return Check(module, True, f"installed (extra {extra})", needed_for)
    return Check(module, False, "not installed", needed_for, install_line(extra))
