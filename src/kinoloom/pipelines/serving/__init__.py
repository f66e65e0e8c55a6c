"""What a Transform step runs in its child process: a model's script applied to files.

Only the standard library is imported here; the user's script brings what it needs.
"""
