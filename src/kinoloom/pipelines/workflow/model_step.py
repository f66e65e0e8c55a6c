"""The step that makes or registers a model, with the step that packs its script before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines import image_uris, repacking
from kinoloom.pipelines.code import put_sources
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.estimator import Framework
from kinoloom.pipelines.inputs import TrainingInput
from kinoloom.pipelines.model import Model
from kinoloom.pipelines.registration import ModelArguments
from kinoloom.pipelines.workflow.base_steps import StepCollection
from kinoloom.pipelines.workflow.entities import expr_of
from kinoloom.pipelines.workflow.functions import Join
from kinoloom.pipelines.workflow.retry import RetryPolicy
from kinoloom.pipelines.workflow.steps import Step

_LAUNCHER = "_repack_script_launcher.sh"
_SCRIPTS = Path(repacking.__file__).parent
_WHY = "Used to repack a model with customer scripts for a register/create model step"
_SUFFIX = {"Model": "CreateModel", "RegisterModel": "RegisterModel"}
_KEYS = {"Model": "create_model_retry_policies", "RegisterModel": "register_model_retry_policies"}


class ModelStep(StepCollection):
    """Makes or registers a model; a script that serves it is packed into its archive first.

    The steps are `<name>-RepackModel-<k>` and `<name>-CreateModel` or `<name>-RegisterModel`.

    Args:
        name: unique within the pipeline.
        step_args: what `model.create()` or `model.register()` returned.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: for all of its steps, or a dict of lists by "repack_model_retry_policies",
            "create_model_retry_policies", "register_model_retry_policies".
        display_name, description: of the step that makes or registers the model.

    Raises:
        UsageError: the step_args are of another type of step.
    """

    def __init__(
        self,
        name: str,
        step_args: ModelArguments,
        depends_on: Sequence[str | Step | StepCollection] | None = None,
        retry_policies: Sequence[RetryPolicy] | dict[str, Sequence[RetryPolicy]] | None = None,
        display_name: str | None = None,
        description: str | None = None,
    ) -> None:
        if not isinstance(step_args, ModelArguments):
            raise UsageError(
                f"The step_args of '{name}' must be what a model's create() or register() "
                f"returned, not {type(step_args).__name__}."
            )
        policies = _policies(retry_policies, step_args.kind)
        repacks = [
            RepackStep(f"{name}-RepackModel-{k}", model, depends_on, policies[0])
            for k, model in enumerate(step_args.models)
            if model.needs_repack
        ]
        archives = archives_of(step_args.models, repacks)
        last = RequestStep(
            f"{name}-{_SUFFIX[step_args.kind]}", step_args, archives,
            display_name, description, None if repacks else depends_on, policies[1],
        )  # fmt: skip
        super().__init__(name, [*repacks, last])


class RetriedStep(Step):
    """A step with retry policies; see its two kinds below.

    Args:
        name: unique within the pipeline.
        display_name, description: for people.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: tried in order.
    """

    def __init__(
        self,
        name: str,
        display_name: str | None,
        description: str | None,
        depends_on: Sequence[str | Step | StepCollection] | None,
        retry_policies: Sequence[RetryPolicy],
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.retry_policies = list(retry_policies)

    def to_request(self, compiling: Compiling) -> dict[str, Any]:
        """The whole step as plain JSON."""
        made = super().to_request(compiling)
        policies = [policy.to_request() for policy in self.retry_policies]
        return {**made, "RetryPolicies": policies} if policies else made


class RequestStep(RetriedStep):
    """Makes or registers a model.

    Args:
        name: unique within the pipeline.
        step_args: of a model.
        archives: the addresses of the models' archives.
        display_name, description, depends_on, retry_policies: as for `RetriedStep`.
    """

    def __init__(
        self, name: str, step_args: ModelArguments, archives: Sequence[Any], *settings: Any
    ) -> None:
        super().__init__(name, *settings)
        self.step_type = step_args.kind  # type: ignore[misc]  # both kinds of step are alike
        self.step_args = step_args
        self.archives = archives

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        made: dict[str, Any] = expr_of(self.step_args.make(compiling, self.archives))
        return made


class RepackStep(RetriedStep):
    """Packs a model's script into its archive.

    Args:
        name: unique within the pipeline.
        model: whose script and archive.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: tried in order.
        older: whether it is described and leaves its archive as the SDK's older steps do.
    """

    step_type = "Training"

    def __init__(
        self,
        name: str,
        model: Model,
        depends_on: Sequence[str | Step | StepCollection] | None,
        retry_policies: Sequence[RetryPolicy],
        *,
        older: bool = False,
    ) -> None:
        super().__init__(name, None, None if older else _WHY, depends_on, retry_policies)
        self.model = model
        self._older = older

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        session, model = compiling.session, self.model
        image = str(expr_of(model.serving_image_uri(session.boto_region_name)))
        base = "" if self._older else image.rpartition("/")[2].partition(":")[0]
        prefix = [session.default_bucket_prefix] if session.default_bucket_prefix else []
        estimator = _Repacker(
            model,
            image_uri=image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1"),
            role=model.role,
            instance_type="ml.m5.large",
            disable_profiler=True,
            output_path="/".join(["s3:/", session.default_bucket(), *prefix, base]),
            hyperparameters={
                "inference_script": model.entry_point
                if model.source_dir
                else Path(str(model.entry_point)).name,
                "model_archive": Join(on="", values=[model.model_data]),
                "dependencies": " ".join(model.dependencies) or None,
                "source_dir": model.source_dir,
            },
        )
        made: dict[str, Any] = expr_of(
            estimator.fit(TrainingInput(model.model_data or "")).make(compiling)
        )
        return made


class _Repacker(Framework):
    """The training job that packs: the model's code and our two scripts are its code."""

    def __init__(self, model: Model, **settings: Any) -> None:
        super().__init__(**settings)
        self._model = model

    def _script_mode(self, compiling: Compiling) -> dict[str, str]:
        model = self._model
        ours = [str(_SCRIPTS / name) for name in (_LAUNCHER, "_repack_model.py")]
        uri, _ = put_sources(
            compiling, str(model.entry_point), model.source_dir, [*model.dependencies, *ours]
        )
        told = {
            "sagemaker_submit_directory": uri,
            "sagemaker_program": _LAUNCHER,
            "sagemaker_container_log_level": self.container_log_level,
            "sagemaker_region": compiling.session.boto_region_name,
        }
        return {name: json.dumps(value) for name, value in told.items()}


def archives_of(models: Sequence[Model], repacks: Sequence[RepackStep]) -> list[Any]:
    """The addresses of the models' archives, packed where a step does so."""
    packed = iter(repacks)
    return [
        next(packed).properties.ModelArtifacts.S3ModelArtifacts
        if repacks and model.needs_repack
        else model.model_data
        for model in models
    ]


def _policies(given: Any, kind: str) -> tuple[Sequence[RetryPolicy], Sequence[RetryPolicy]]:
    """Those of the repacking steps, and those of the last step."""
    if isinstance(given, dict):
        return given.get("repack_model_retry_policies", ()), given.get(_KEYS[kind], ())
    return given or (), given or ()
