"""Properties of steps."""

from kinoloom.pipelines.builder.properties import Properties, PropertyFile

__all__ = ["Properties", "PropertyFile"]
