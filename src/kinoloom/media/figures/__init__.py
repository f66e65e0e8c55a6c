"""Figures for reports: panels side by side, and the time line of a clip."""
