"""The step kinds of the language, one module for each kind or group of similar kinds."""

from __future__ import annotations

from kinoloom.pipelines.discovery import discover
from kinoloom.pipelines.language.step_kind import StepKind

KINDS: dict[str, StepKind] = {kind.type: kind for kind in discover(__name__, __path__, "KINDS")}
"""All step kinds by type."""
