"""Fail steps: the execution ends as failed."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import Record, text
from kinoloom.pipelines.language.step_kind import StepKind

KINDS = (StepKind("Fail", Record({"ErrorMessage": text()}, closed=True), properties=()),)
