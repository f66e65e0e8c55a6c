"""The origin of a model, as `sagemaker.metadata_properties`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none


@dataclass(frozen=True)
class MetadataProperties:
    """The commit, repository, creator and project of a model; each may be None."""

    commit_id: str | PipelineVariable | None = None
    repository: str | PipelineVariable | None = None
    generated_by: str | PipelineVariable | None = None
    project_id: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the properties' JSON in a request."""
        return omit_none(
            CommitId=self.commit_id,
            Repository=self.repository,
            GeneratedBy=self.generated_by,
            ProjectId=self.project_id,
        )
