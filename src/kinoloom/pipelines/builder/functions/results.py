"""Steps that run a function, as executions see them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinoloom.pipelines.builder.functions import run_function

_RUNNER = f"/{Path(run_function.__file__).name}"


def is_function_step(properties: Mapping[str, Any]) -> bool:
    """Return whether a step runs a function, from its properties."""
    words = properties.get("AppSpecification", {}).get("ContainerEntrypoint") or [""]
    return bool(str(words[-1]).endswith(_RUNNER))
