"""What `kinoloom doctor` finds: one thing that may be present, and what it is good for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from kinoloom.base.need import install_line


@dataclass(frozen=True)
class Check:
    """One line of the doctor's findings.

    Attributes:
        name: the thing looked for.
        present: whether it is there and works.
        detail: its version or place when present, else what is wrong.
        gives: what it is needed for.
        remedy: the exact line that gets it; "" when present.
        required: whether kinoloom cannot work at all without it.
    """

    name: str
    present: bool
    detail: str
    gives: str
    remedy: str = ""
    required: bool = False


def extra_check(module: str, *, extra: str, gives: str) -> Check:
    """Look for the module of an extra without importing it."""
    if find_spec(module) is not None:
        return Check(module, True, f"installed (extra {extra})", gives)
    return Check(module, False, "not installed", gives, install_line(extra))
