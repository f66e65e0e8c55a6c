"""Pipelines on this machine: sessions, executions, the engine and the workspace."""
