"""Training steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.training_job import training_job
from kinoloom.pipelines.local.shapes import note_hosts
from kinoloom.pipelines.local.step_kind import LocalKind
from kinoloom.pipelines.local.training_shape import TRAINING


def build_job(context: RunContext, step: Step) -> Job:
    """Return the job of a Training step.

    Raises:
        KinoloomError: The arguments are invalid or not supported.
    """
    arguments, name = context.resolve(step, TRAINING)
    job = training_job(arguments, name, f"{context.run.arn_base}:training-job/{name}")
    return replace(job, resources=context.tools.demand.of(job.instance_type))


def find_result(properties: Mapping[str, Any], locate: Callable[[str], Path]) -> dict[str, Path]:
    """Return the paths of the archives: "model" and, if there is one, "data"."""
    model = locate(properties["ModelArtifacts"]["S3ModelArtifacts"])
    data = model.with_name("output.tar.gz")
    return {"model": model, "data": data} if data.exists() else {"model": model}


KINDS = (
    LocalKind(
        "Training",
        build_job=build_job,
        result=find_result,
        supported=TRAINING,
        notes=note_hosts,
    ),
)
