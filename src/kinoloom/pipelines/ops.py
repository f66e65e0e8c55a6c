"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.op import op
from kinoloom.base.report import Report


@dataclass(frozen=True)
class ValidateOptions:
    """What `pipeline validate` may be told: nothing."""


@op("pipeline.validate")
def validate(file: Path, options: ValidateOptions) -> Report:
    """Check a pipeline definition (version 2020-12-01) and show its steps in order.

    FILE is the JSON that SageMaker's Python SDK makes with Pipeline.definition(). Every problem
    is named with its JSON path: unknown words, wrong types, references that lead nowhere, steps
    that wait for each other in a circle. Nothing is run.
    """
    from kinoloom.pipelines.page import definition_report

    return definition_report(file)
