"""The Training step that packs an inference script into a model's archive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinoloom.pipelines.builder.code import upload_sources
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.job_steps import RetriedStep
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.steps import Dependencies
from kinoloom.pipelines.builder.variables import Join, to_expression
from kinoloom.sagemaker import _repacking, image_uris
from kinoloom.sagemaker.estimator import Framework
from kinoloom.sagemaker.inputs import TrainingInput
from kinoloom.sagemaker.model import Model

_LAUNCHER = "_repack_script_launcher.sh"
_SCRIPTS = Path(_repacking.__file__).parent
_DESCRIPTION = "Used to repack a model with customer scripts for a register/create model step"


class RepackStep(RetriedStep):
    """Packs a model's inference script into its archive.

    Args:
        name: Unique within the pipeline.
        model: The model.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: The first policy that covers a failure decides.
        legacy: Use the description and output address of the SDK's older steps.
    """

    step_type = "Training"

    def __init__(
        self,
        name: str,
        model: Model,
        depends_on: Dependencies,
        retry_policies: Sequence[RetryPolicy],
        *,
        legacy: bool = False,
    ) -> None:
        super().__init__(name, None, None if legacy else _DESCRIPTION, depends_on, retry_policies)
        self.model = model
        self._legacy = legacy

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        session, model = context.session, self.model
        image = str(to_expression(model.serving_image_uri(session.boto_region_name)))
        base = "" if self._legacy else image.rpartition("/")[2].partition(":")[0]
        prefix = [session.default_bucket_prefix] if session.default_bucket_prefix else []
        script = model.entry_point if model.source_dir else Path(str(model.entry_point)).name
        estimator = _Repacker(
            model,
            image_uri=image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1"),
            role=model.role,
            instance_type="ml.m5.large",
            disable_profiler=True,
            output_path="/".join(["s3:/", session.default_bucket(), *prefix, base]),
            hyperparameters={
                "inference_script": script,
                "model_archive": Join(on="", values=[model.model_data]),
                "dependencies": " ".join(model.dependencies) or None,
                "source_dir": model.source_dir,
            },
        )
        step_args = estimator.fit(TrainingInput(model.model_data or ""))
        arguments: dict[str, Any] = context.to_json(step_args.build(context))
        return arguments


class _Repacker(Framework):
    """The training job that packs: its code is the model's code and the repacking scripts."""

    def __init__(self, model: Model, **settings: Any) -> None:
        super().__init__(**settings)
        self._model = model

    def _script_mode(self, context: CompileContext) -> dict[str, str]:
        model = self._model
        scripts = [str(_SCRIPTS / name) for name in (_LAUNCHER, "_repack_model.py")]
        uri, _ = upload_sources(
            context, str(model.entry_point), model.source_dir, [*model.dependencies, *scripts]
        )
        settings = {
            "sagemaker_submit_directory": uri,
            "sagemaker_program": _LAUNCHER,
            "sagemaker_container_log_level": self.container_log_level,
            "sagemaker_region": context.session.boto_region_name,
        }
        return {name: json.dumps(value) for name, value in settings.items()}


def list_archives(models: Sequence[Model], repacks: Sequence[RepackStep]) -> list[Any]:
    """Return the addresses of the models' archives, of the repacked ones where there are some."""
    repacked = iter(repacks)
    return [
        next(repacked).properties.ModelArtifacts.S3ModelArtifacts
        if repacks and model.needs_repack
        else model.model_data
        for model in models
    ]
