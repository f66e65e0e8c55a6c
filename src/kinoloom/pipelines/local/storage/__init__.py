"""The workspace: state, contents, files, models and callbacks."""
