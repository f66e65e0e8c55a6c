"""Callback steps: a message, and an answer from outside."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import MapOf, text
from kinoloom.pipelines.language.step_kind import CACHE, OUTPUT_PARAMETERS, StepKind

KINDS = (
    StepKind(
        "Callback",
        MapOf(),
        required={"SqsQueueUrl": text()},
        optional={**CACHE, **OUTPUT_PARAMETERS},
        properties=("OutputParameters",),
    ),
)
