"""Where a model comes from. Names are those of `sagemaker.metadata_properties`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.workflow.entities import PipelineVariable


@dataclass(frozen=True)
class MetadataProperties:
    """The commit, repository, maker and project of a model; each may be None."""

    commit_id: str | PipelineVariable | None = None
    repository: str | PipelineVariable | None = None
    generated_by: str | PipelineVariable | None = None
    project_id: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        made = {
            "CommitId": self.commit_id,
            "Repository": self.repository,
            "GeneratedBy": self.generated_by,
            "ProjectId": self.project_id,
        }
        return {key: value for key, value in made.items() if value is not None}
