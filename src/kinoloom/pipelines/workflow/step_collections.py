"""Collections of steps under the SDK's names."""

from __future__ import annotations

import importlib
from typing import Any

from kinoloom.pipelines.workflow.base_steps import StepCollection

__all__ = ["StepCollection"]


def __getattr__(name: str) -> Any:
    """`RegisterModel` and `EstimatorTransformer`, which the SDK has here, when first used."""
    if name in ("RegisterModel", "EstimatorTransformer"):
        return getattr(importlib.import_module("kinoloom.pipelines.workflow.older_steps"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
