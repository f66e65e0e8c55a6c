"""How pipelines are compiled; the name is that of the SDK."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PipelineDefinitionConfig:
    """How a pipeline is compiled.

    Attributes:
        use_custom_job_prefix: whether jobs are named by the `base_job_name` of what makes them
            rather than by the pipeline.
    """

    use_custom_job_prefix: bool = False
