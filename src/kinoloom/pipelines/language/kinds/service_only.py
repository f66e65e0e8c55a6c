"""Steps that only the service runs; their arguments are not checked."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import Record
from kinoloom.pipelines.language.step_kind import CACHE_AND_RETRIES, StepKind

KINDS = tuple(
    StepKind(name, Record(), optional=CACHE_AND_RETRIES)
    for name in (
        "AutoML",
        "EMR",
        "EMRServerless",
        "Endpoint",
        "EndpointConfig",
        "InferenceComponent",
        "Lineage",
    )
)
