"""The scripts that put an inference script into a model's archive, run by a Training step.

They are uploaded with the user's code, so `_repack_model.py` needs the standard library alone.
"""
