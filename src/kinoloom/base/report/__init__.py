"""Report: findings as data and as a page that a person can read."""

from kinoloom.base.report.sections import Picture, Report, Section, Slider, Table, Text

__all__ = ["Picture", "Report", "Section", "Slider", "Table", "Text"]
