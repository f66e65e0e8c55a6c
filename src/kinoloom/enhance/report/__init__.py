"""The parts of the report on enhanced photos and videos."""
