"""What pipelines are built of, under the names of the SageMaker Python SDK, version 2."""

from kinoloom.pipelines.workflow.entities import PipelineVariable


def is_pipeline_variable(var: object) -> bool:
    """Whether a value is only known when the pipeline runs."""
    return isinstance(var, PipelineVariable)


__all__ = ["is_pipeline_variable"]
