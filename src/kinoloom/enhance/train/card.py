"""The facts of a trained network, for its model card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from kinoloom.base.outputs import write_text_atomically
from kinoloom.base.provenance import sha256, versions
from kinoloom.learn.settings import Settings

CARD_FILE = "card.json"


def write_card(
    weights: Path,
    net: nn.Module,
    summary: str,
    photos: Sequence[str],
    settings: Settings,
    figures: Mapping[str, float],
) -> None:
    """Write card.json next to exported weights.

    It has the fields of `base.model.ModelCard` that a run knows, and the recipe: settings and
    versions.

    Args:
        weights: the exported file.
        net: the network as exported.
        summary: one line.
        photos: names of the training photos.
        settings: of the run.
        figures: of the exported weights.

    Raises:
        OutputError: the file cannot be written.
    """
    facts: dict[str, Any] = {
        "name": weights.stem,
        "task": "enhance",
        "summary": summary,
        "file": weights.name,
        "sha256": sha256(weights),
        "size_bytes": weights.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "figures": dict(figures),
        "trained_on": list(photos),
        "settings": asdict(settings),
        "versions": versions(),
    }
    write_text_atomically(weights.parent / CARD_FILE, json.dumps(facts, indent=2) + "\n")
