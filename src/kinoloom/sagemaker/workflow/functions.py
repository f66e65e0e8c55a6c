"""Functions that are evaluated at run time."""

from kinoloom.pipelines.builder.properties import JsonGet
from kinoloom.pipelines.builder.variables import Join

__all__ = ["Join", "JsonGet"]
