"""Pipelines: steps and parameters, compiled to a definition and run by a session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.language.grammar import VERSION
from kinoloom.pipelines.local.execution import Execution
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.workflow.execution_variables import ExecutionVariables
from kinoloom.pipelines.workflow.parallelism_config import ParallelismConfiguration
from kinoloom.pipelines.workflow.parameters import Parameter
from kinoloom.pipelines.workflow.pipeline_experiment_config import PipelineExperimentConfig
from kinoloom.pipelines.workflow.step_collections import (
    Listed,
    collections,
    point_to_last,
    requests,
)

_BY_NAME = PipelineExperimentConfig(
    ExecutionVariables.PIPELINE_NAME, ExecutionVariables.PIPELINE_EXECUTION_ID
)


class Pipeline:
    """Steps and parameters under a name.

    Args:
        name: of the pipeline.
        parameters: that an execution may be given.
        pipeline_experiment_config: names of experiment and trial; None for none.
        steps: those at the top; steps of branches are given to their ConditionStep.
        sagemaker_session: what runs it.
    """

    def __init__(
        self,
        name: str = "",
        parameters: Sequence[Parameter] | None = None,
        pipeline_experiment_config: PipelineExperimentConfig | None = _BY_NAME,
        steps: Sequence[Listed] | None = None,
        sagemaker_session: LocalSession | None = None,
    ) -> None:
        self.name = name
        self.parameters = list(parameters or ())
        self.pipeline_experiment_config = pipeline_experiment_config
        self.steps = list(steps or ())
        self.sagemaker_session = sagemaker_session
        self._parallel = 0

    def definition(self) -> str:
        """Its definition as JSON. Code is uploaded, under the hash of its content.

        Raises:
            DefinitionError: the definition is not right; the message has the JSON paths.
            UsageError: it has no session, or a step's settings are wrong.
        """
        config = self.pipeline_experiment_config
        compiling = Compiling(self._session(), self.name)
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
        parallelism_config: ParallelismConfiguration | None = None,
    ) -> dict[str, str]:
        """Make the pipeline; see `upsert`.

        Raises:
            UsageError: there is one of that name.
        """
        session = self._session()
        if not session.create_replaces and session.state.pipeline(self.name) is not None:
            raise UsageError(f"There is a pipeline '{self.name}' already.", hint="Use upsert().")
        return self.upsert(role_arn, description, parallelism_config)

    def upsert(
        self,
        role_arn: str | None = None,
        description: str = "",
        parallelism_config: ParallelismConfiguration | None = None,
    ) -> dict[str, str]:
        """Make the pipeline, or give the one of that name this definition.

        Args:
            role_arn: accepted; it means nothing locally.
            description: for people.
            parallelism_config: for executions started from this object that give none.

        Raises:
            DefinitionError: the definition is not right, or has steps that cannot be run here.
        """
        if parallelism_config is not None:
            self._parallel = parallelism_config.max_parallel_execution_steps
        arn = self._session().put_pipeline(self.name, self.definition(), description)
        return {"PipelineArn": arn}

    def start(
        self,
        parameters: Mapping[str, str | bool | int | float] | None = None,
        execution_display_name: str = "",
        execution_description: str = "",
        parallelism_config: ParallelismConfiguration | None = None,
        wait: bool = False,
    ) -> Execution:
        """Start an execution of the pipeline as it was last put.

        Args:
            parameters: by name; the others have their defaults.
            execution_display_name, execution_description: for people.
            parallelism_config: how many steps at once at most.
            wait: whether to come back only when it has ended, well or not.

        Raises:
            UsageError: there is no such pipeline or parameter, one has no value, or a wrong one.
        """
        chosen = parallelism_config
        limit = chosen.max_parallel_execution_steps if chosen is not None else self._parallel
        execution = self._session().start(
            self.name,
            parameters,
            display_name=execution_display_name,
            description=execution_description,
            max_parallel=limit,
        )
        if wait:
            execution.join()
        return execution

    def describe(self) -> dict[str, Any]:
        """What the service's DescribePipeline tells, as far as it means anything here.

        Raises:
            UsageError: there is no such pipeline.
        """
        row = self._session().state.pipeline(self.name)
        if row is None:
            raise UsageError(f"There is no pipeline '{self.name}'.", hint="Make it with upsert().")
        return {
            "PipelineArn": self._session().pipeline_arn(self.name),
            "PipelineName": self.name,
            "PipelineDefinition": row["definition"],
            "PipelineDescription": row["description"],
            "PipelineStatus": "Active",
        }

    def list_executions(self) -> list[Execution]:
        """Its executions, the latest first."""
        session = self._session()
        return [session.execution(row["id"]) for row in session.state.executions(self.name)]

    def _session(self) -> LocalSession:
        if self.sagemaker_session is None:
            raise UsageError(
                f"The pipeline '{self.name}' needs a sagemaker_session.",
                hint="LocalSession(root) runs it on this machine.",
            )
        return self.sagemaker_session
