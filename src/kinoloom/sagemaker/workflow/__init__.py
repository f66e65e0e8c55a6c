"""Steps, parameters, conditions and pipelines under the SDK's paths."""

from kinoloom.pipelines.builder.variables import PipelineVariable


def is_pipeline_variable(var: object) -> bool:
    """Return whether a value is known only at run time."""
    return isinstance(var, PipelineVariable)


__all__ = ["is_pipeline_variable"]
