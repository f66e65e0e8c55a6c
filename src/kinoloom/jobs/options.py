"""How a job is distributed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kinoloom.base.options import option


@dataclass(frozen=True)
class DistributedOptions:
    """Where the pieces of an output are made, and how long they are."""

    session: str | None = option(
        None,
        "Make the output in pieces, in parallel, on a session: local, ray, auto, ray://HOST:PORT "
        "or HOST:PORT",
    )
    piece: Fraction = option(
        Fraction(30), "With --session: shortest duration of a piece", low=1, unit="s"
    )
