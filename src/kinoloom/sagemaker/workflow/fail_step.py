"""The Fail step."""

from kinoloom.pipelines.builder.control_steps import FailStep

__all__ = ["FailStep"]
