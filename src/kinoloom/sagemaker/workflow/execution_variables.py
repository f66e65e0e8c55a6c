"""Execution variables."""

from kinoloom.pipelines.builder.variables import ExecutionVariable, ExecutionVariables

__all__ = ["ExecutionVariable", "ExecutionVariables"]
