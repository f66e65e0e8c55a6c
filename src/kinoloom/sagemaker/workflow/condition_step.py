"""The Condition step."""

from kinoloom.pipelines.builder.control_steps import ConditionStep

__all__ = ["ConditionStep"]
