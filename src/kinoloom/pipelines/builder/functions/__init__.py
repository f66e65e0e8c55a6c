"""Functions as steps: the decorator, the pickled call, its modules, and the script that runs it."""
