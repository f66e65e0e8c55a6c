"""What a script sees of the executions that it starts: progress, Ctrl-C and its exit code."""
