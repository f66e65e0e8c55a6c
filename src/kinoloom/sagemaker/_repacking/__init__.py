"""The scripts that pack an inference script into a model's archive, run by a Training step.

They are uploaded together with the user's code, so they need only the standard library.
"""
