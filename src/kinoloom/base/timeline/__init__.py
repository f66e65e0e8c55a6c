"""Timeline: an edit of immutable sources, as spans and a log."""

from kinoloom.base.timeline.spans import FileSource, GeneratedSource, Source, Span
from kinoloom.base.timeline.timeline import Edit, Timeline

__all__ = ["Edit", "FileSource", "GeneratedSource", "Source", "Span", "Timeline"]
