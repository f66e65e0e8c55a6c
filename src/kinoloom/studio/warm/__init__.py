"""Processes that keep models and libraries loaded, so that the server loads none."""
