"""Pipelines: steps and parameters, compiled to a definition and run by a session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext, forced_session
from kinoloom.pipelines.builder.parameters import Parameter
from kinoloom.pipelines.builder.settings import (
    ParallelismConfiguration,
    PipelineDefinitionConfig,
    PipelineExperimentConfig,
    SelectiveExecutionConfig,
    max_parallel_steps,
)
from kinoloom.pipelines.builder.steps import (
    Listed,
    build_all_steps,
    iter_collections,
    resolve_collections,
)
from kinoloom.pipelines.builder.variables import ExecutionVariables, omit_none
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.language.constants import VERSION
from kinoloom.pipelines.protocols import Execution, Session

Parallelism = ParallelismConfiguration | Mapping[str, int] | None
ParameterValues = Mapping[str, str | bool | int | float]

_DEFAULT_EXPERIMENT = PipelineExperimentConfig(
    ExecutionVariables.PIPELINE_NAME, ExecutionVariables.PIPELINE_EXECUTION_ID
)


class Pipeline:
    """A named pipeline of steps and parameters.

    Args:
        name: The pipeline's name.
        parameters: The parameters of its executions.
        pipeline_experiment_config: The names of experiment and trial; None for neither.
        steps: The steps at the top level, or results of `@step` calls; the steps of branches
            belong to their ConditionStep. Steps to which these refer need not be listed.
        sagemaker_session: The session that runs it.
        pipeline_definition_config: How it is compiled.
    """

    def __init__(
        self,
        name: str = "",
        parameters: Sequence[Parameter] | None = None,
        pipeline_experiment_config: PipelineExperimentConfig | None = _DEFAULT_EXPERIMENT,
        steps: Sequence[Listed] | None = None,
        sagemaker_session: Session | None = None,
        pipeline_definition_config: PipelineDefinitionConfig | None = None,
    ) -> None:
        self.name = name
        self.parameters = list(parameters or ())
        self.pipeline_experiment_config = pipeline_experiment_config
        self.steps = list(steps or ())
        self.sagemaker_session = sagemaker_session
        self.pipeline_definition_config = pipeline_definition_config or PipelineDefinitionConfig()
        self._max_parallel = 0

    def definition(self) -> str:
        """Return the definition as JSON and upload the pipeline's code.

        Raises:
            DefinitionError: The definition is invalid; the message has the JSON paths.
            UsageError: The pipeline has no session, two steps have one name, or a step's settings
                are wrong.
        """
        config = self.pipeline_experiment_config
        use_prefix = self.pipeline_definition_config.use_custom_job_prefix
        context = CompileContext(self._session(), self.name, use_job_prefix=use_prefix)
        steps = build_all_steps(self.steps, context)
        last_steps = {c.name: c.steps[-1].name for c in iter_collections(self.steps)}
        resolve_collections(steps, last_steps)
        definition = {
            "Version": VERSION,
            "Metadata": {},
            "Parameters": [parameter.to_request() for parameter in self.parameters],
            "PipelineExperimentConfig": config.to_request() if config else None,
            "Steps": steps,
        }
        text = json.dumps(definition)
        load_text(text)
        return text

    def create(
        self,
        role_arn: str | None = None,
        description: str = "",
        tags: Sequence[Mapping[str, str]] | None = None,
        parallelism_config: Parallelism = None,
    ) -> dict[str, str]:
        """Create the pipeline; see `upsert` for the arguments.

        Raises:
            UsageError: A pipeline of that name exists.
        """
        session = self._session()
        if not session.create_replaces and self._exists():
            raise UsageError(f"Pipeline '{self.name}' already exists.", hint="Use upsert().")
        return self.upsert(role_arn, description, tags, parallelism_config)

    def upsert(
        self,
        role_arn: str | None = None,
        description: str = "",
        tags: Sequence[Mapping[str, str]] | None = None,
        parallelism_config: Parallelism = None,
    ) -> dict[str, str]:
        """Create the pipeline, or replace the definition of an existing one.

        Args:
            role_arn: The pipeline's role; it has no effect locally.
            description: A description.
            tags: Accepted for compatibility.
            parallelism_config: The default for executions started from this object.

        Raises:
            DefinitionError: The definition is invalid, or has steps that the session cannot run.
        """
        self._max_parallel = max_parallel_steps(parallelism_config) or self._max_parallel
        arn = self._session().put_pipeline(self.name, self.definition(), description, role_arn)
        return {"PipelineArn": arn}

    def start(
        self,
        parameters: ParameterValues | None = None,
        execution_display_name: str = "",
        execution_description: str = "",
        parallelism_config: Parallelism = None,
        wait: bool = False,
        selective_execution_config: SelectiveExecutionConfig | None = None,
    ) -> Execution:
        """Start an execution of the pipeline's stored definition.

        Args:
            parameters: Values by parameter name; other parameters keep their defaults.
            execution_display_name, execution_description: Shown to people.
            parallelism_config: The maximum number of concurrent steps.
            wait: Whether to return only when the execution has finished, whatever its status.
            selective_execution_config: The steps that run; only on SageMaker.

        Raises:
            UsageError: The pipeline or a parameter does not exist, a value is missing or of the
                wrong type, or the session does not support selective execution.
        """
        execution = self._session().start(
            self.name,
            parameters,
            display_name=execution_display_name,
            description=execution_description,
            max_parallel=max_parallel_steps(parallelism_config) or self._max_parallel,
            **omit_none(selected=selective_execution_config),
        )
        if wait:
            execution.join()
        return execution

    def describe(self) -> dict[str, Any]:
        """Return the response of DescribePipeline, or the members that apply locally.

        Raises:
            UsageError: The pipeline does not exist.
        """
        return self._session().describe_pipeline(self.name)

    def update(self, role_arn: str | None = None, description: str = "") -> dict[str, str]:
        """Replace the definition of the existing pipeline.

        Raises:
            UsageError: The pipeline does not exist.
            DefinitionError: See `upsert`.
        """
        self.describe()
        return self.upsert(role_arn, description)

    def delete(self) -> None:
        """Delete the pipeline.

        Raises:
            UsageError: The pipeline does not exist.
        """
        self._session().delete_pipeline(self.name)

    def list_executions(self) -> list[Execution]:
        """Return the executions, latest first."""
        return list(self._session().executions(self.name))

    def build_parameters_from_execution(
        self,
        pipeline_execution_arn: str,
        parameter_value_overrides: ParameterValues | None = None,
    ) -> dict[str, Any]:
        """Return the parameter values of an earlier execution.

        Args:
            pipeline_execution_arn: The execution's ARN.
            parameter_value_overrides: Values that replace them.

        Raises:
            UsageError: The pipeline has no such execution.
        """
        for execution in self.list_executions():
            if execution.arn == pipeline_execution_arn:
                values = {one["Name"]: one["Value"] for one in execution.list_parameters()}
                return {**values, **(parameter_value_overrides or {})}
        raise UsageError(f"Pipeline '{self.name}' has no execution {pipeline_execution_arn}.")

    def _exists(self) -> bool:
        try:
            self.describe()
        except UsageError:
            return False
        return True

    def _session(self) -> Session:
        forced = forced_session()
        if forced is not None:
            return forced
        if self.sagemaker_session is None:
            raise UsageError(
                f"Pipeline '{self.name}' has no sagemaker_session.",
                hint="LocalSession(root) runs it on this machine.",
            )
        return self.sagemaker_session
