"""The script that runs the function of a `@step`; it is uploaded with the function."""
