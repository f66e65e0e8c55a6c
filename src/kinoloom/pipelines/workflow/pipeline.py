"""Pipelines: steps and parameters, compiled to a definition and run by a session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling, PipelineSession, Started
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.language.grammar import VERSION
from kinoloom.pipelines.workflow.base_steps import (
    Listed,
    collections,
    point_to_last,
    requests,
)
from kinoloom.pipelines.workflow.entities import given
from kinoloom.pipelines.workflow.execution_variables import ExecutionVariables
from kinoloom.pipelines.workflow.function_step import Delayed, spread_out
from kinoloom.pipelines.workflow.parallelism_config import (
    ParallelismConfiguration,
    most_at_once,
)
from kinoloom.pipelines.workflow.parameters import Parameter
from kinoloom.pipelines.workflow.pipeline_definition_config import PipelineDefinitionConfig
from kinoloom.pipelines.workflow.pipeline_experiment_config import PipelineExperimentConfig
from kinoloom.pipelines.workflow.selective_execution_config import SelectiveExecutionConfig

Parallelism = ParallelismConfiguration | Mapping[str, int] | None

_BY_NAME = PipelineExperimentConfig(
    ExecutionVariables.PIPELINE_NAME, ExecutionVariables.PIPELINE_EXECUTION_ID
)


class Pipeline:
    """Steps and parameters under a name.

    Args:
        name: of the pipeline.
        parameters: that an execution may be given.
        pipeline_experiment_config: names of experiment and trial; None for none.
        steps: those at the top, or what calls of `@step` functions gave; steps of branches are
            given to their ConditionStep.
        sagemaker_session: what runs it.
        pipeline_definition_config: how it is compiled.
    """

    def __init__(
        self,
        name: str = "",
        parameters: Sequence[Parameter] | None = None,
        pipeline_experiment_config: PipelineExperimentConfig | None = _BY_NAME,
        steps: Sequence[Listed | Delayed] | None = None,
        sagemaker_session: PipelineSession | None = None,
        pipeline_definition_config: PipelineDefinitionConfig | None = None,
    ) -> None:
        self.name = name
        self.parameters = list(parameters or ())
        self.pipeline_experiment_config = pipeline_experiment_config
        self.steps = spread_out(steps or ())
        self.sagemaker_session = sagemaker_session
        self.pipeline_definition_config = pipeline_definition_config or PipelineDefinitionConfig()
        self._parallel = 0

    def definition(self) -> str:
        """Its definition as JSON. Code is uploaded, under the hash of its content.

        Raises:
            DefinitionError: the definition is not right; the message has the JSON paths.
            UsageError: it has no session, or a step's settings are wrong.
        """
        config = self.pipeline_experiment_config
        prefixes = self.pipeline_definition_config.use_custom_job_prefix
        compiling = Compiling(self._session(), self.name, job_prefixes=prefixes)
        steps = requests(self.steps, compiling)
        point_to_last(steps, {c.name: c.steps[-1].name for c in collections(self.steps)})
        made = {
            "Version": VERSION,
            "Metadata": {},
            "Parameters": [parameter.to_request() for parameter in self.parameters],
            "PipelineExperimentConfig": config.to_request() if config else None,
            "Steps": steps,
        }
        text = json.dumps(made)
        load_text(text)
        return text

    def create(
        self,
        role_arn: str | None = None,
        description: str = "",
        tags: Sequence[Mapping[str, str]] | None = None,
        parallelism_config: Parallelism = None,
    ) -> dict[str, str]:
        """Make the pipeline; see `upsert`.

        Raises:
            UsageError: there is one of that name.
        """
        session = self._session()
        if not session.create_replaces and self._exists():
            raise UsageError(f"There is a pipeline '{self.name}' already.", hint="Use upsert().")
        return self.upsert(role_arn, description, tags, parallelism_config)

    def upsert(
        self,
        role_arn: str | None = None,
        description: str = "",
        tags: Sequence[Mapping[str, str]] | None = None,
        parallelism_config: Parallelism = None,
    ) -> dict[str, str]:
        """Make the pipeline, or give the one of that name this definition.

        Args:
            role_arn: of the pipeline; it means nothing locally.
            description: for people.
            tags: accepted.
            parallelism_config: for executions started from this object that give none.

        Raises:
            DefinitionError: the definition is not right, or has steps that cannot be run here.
        """
        self._parallel = most_at_once(parallelism_config) or self._parallel
        arn = self._session().put_pipeline(self.name, self.definition(), description, role_arn)
        return {"PipelineArn": arn}

    def start(
        self,
        parameters: Mapping[str, str | bool | int | float] | None = None,
        execution_display_name: str = "",
        execution_description: str = "",
        parallelism_config: Parallelism = None,
        wait: bool = False,
        selective_execution_config: SelectiveExecutionConfig | None = None,
    ) -> Started:
        """Start an execution of the pipeline as it was last put.

        Args:
            parameters: by name; the others have their defaults.
            execution_display_name, execution_description: for people.
            parallelism_config: how many steps at once at most.
            wait: whether to come back only when it has ended, well or not.
            selective_execution_config: which steps run, on the service.

        Raises:
            UsageError: there is no such pipeline or parameter, one has no value, or a wrong one;
                or a `LocalSession` is asked for selected steps.
        """
        limit = most_at_once(parallelism_config) or self._parallel
        execution = self._session().start(
            self.name,
            parameters,
            display_name=execution_display_name,
            description=execution_description,
            max_parallel=limit,
            **given(selected=selective_execution_config),
        )
        if wait:
            execution.join()
        return execution

    def describe(self) -> dict[str, Any]:
        """What the service's DescribePipeline tells, as far as it means anything here.

        Raises:
            UsageError: there is no such pipeline.
        """
        return self._session().describe_pipeline(self.name)

    def update(self, role_arn: str | None = None, description: str = "") -> dict[str, str]:
        """Give the pipeline of that name this definition.

        Raises:
            UsageError: there is none.
            DefinitionError: as `upsert`.
        """
        self.describe()
        return self.upsert(role_arn, description)

    def delete(self) -> None:
        """Forget the pipeline.

        Raises:
            UsageError: there is none.
        """
        self._session().delete_pipeline(self.name)

    def list_executions(self) -> list[Started]:
        """Its executions, the latest first."""
        return list(self._session().executions(self.name))

    def build_parameters_from_execution(
        self,
        pipeline_execution_arn: str,
        parameter_value_overrides: Mapping[str, str | bool | int | float] | None = None,
    ) -> dict[str, Any]:
        """The parameters that an execution of this pipeline was started with.

        Args:
            pipeline_execution_arn: its address.
            parameter_value_overrides: values in place of those.

        Raises:
            UsageError: the pipeline has no such execution.
        """
        for execution in self.list_executions():
            if execution.arn == pipeline_execution_arn:
                found = {one["Name"]: one["Value"] for one in execution.list_parameters()}
                return {**found, **(parameter_value_overrides or {})}
        raise UsageError(f"The pipeline '{self.name}' has no execution {pipeline_execution_arn}.")

    def _exists(self) -> bool:
        try:
            self.describe()
        except UsageError:
            return False
        return True

    def _session(self) -> PipelineSession:
        if self.sagemaker_session is None:
            raise UsageError(
                f"The pipeline '{self.name}' needs a sagemaker_session.",
                hint="LocalSession(root) runs it on this machine.",
            )
        return self.sagemaker_session
