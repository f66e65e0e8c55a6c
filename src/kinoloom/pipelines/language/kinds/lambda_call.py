"""Lambda steps: a function call."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import MapOf, text
from kinoloom.pipelines.language.step_kind import CACHE, OUTPUT_PARAMETERS, StepKind

KINDS = (
    StepKind(
        "Lambda",
        MapOf(),
        required={"FunctionArn": text()},
        optional={**CACHE, **OUTPUT_PARAMETERS},
        properties=("OutputParameters",),
    ),
)
