"""The step kinds that run on this machine, one module for each kind."""

from __future__ import annotations

from kinoloom.pipelines.discovery import discover
from kinoloom.pipelines.local.step_kind import LocalKind

LOCAL_KINDS: dict[str, LocalKind] = {
    kind.type: kind for kind in discover(__name__, __path__, "KINDS")
}
"""All kinds that run on this machine, by type."""
