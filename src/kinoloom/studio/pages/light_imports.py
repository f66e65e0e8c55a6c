"""Keeps heavy libraries out of the server, so that it starts at once and stays small."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

HEAVY = frozenset({"PIL", "av", "cv2", "numpy", "onnxruntime", "scipy", "torch"})


class _Finder:
    """A finder of modules that rejects heavy ones."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in HEAVY:
            raise ImportError(
                f"The server of the studio does not import {name}: declare the call or the feed "
                'with cost="model", and import it inside the function',
                name=name,
            )
        return None


def reject_heavy_imports() -> None:
    """Make every import of a heavy library in this process fail."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
