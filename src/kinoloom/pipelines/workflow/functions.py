"""Functions that are evaluated when the pipeline runs."""

from __future__ import annotations

from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.workflow.entities import Join, PipelineVariable, expr_of
from kinoloom.pipelines.workflow.properties import PropertyFile


class JsonGet(PipelineVariable):
    """One value out of a JSON file: a step's property file, or any file by its address.

    Args:
        step_name: of the step that has the property file.
        property_file: the file, or its name.
        json_path: where in the file: dotted names, ['keys'] and [indices].
        s3_uri: the address of the file; give either this or step_name and property_file.

    Raises:
        UsageError: both or none of the two are given.
    """

    def __init__(
        self,
        step_name: str | None = None,
        property_file: PropertyFile | str | None = None,
        json_path: str | None = None,
        s3_uri: Join | None = None,
    ) -> None:
        if (property_file is None) == (s3_uri is None):
            raise UsageError("JsonGet takes either a property_file or an s3_uri.")
        if json_path is None or (property_file is not None and not step_name):
            raise UsageError("JsonGet needs a json_path, and a step_name with a property_file.")
        self.step_name = step_name
        self.property_file = property_file
        self.json_path = json_path
        self.s3_uri = s3_uri

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        if self.property_file is None:
            return {"Std:JsonGet": {"S3Uri": expr_of(self.s3_uri), "Path": self.json_path}}
        file = self.property_file
        name = file.name if isinstance(file, PropertyFile) else file
        place = {"Get": f"Steps.{self.step_name}.PropertyFiles.{name}"}
        return {"Std:JsonGet": {"PropertyFile": place, "Path": self.json_path}}


__all__ = ["Join", "JsonGet"]
