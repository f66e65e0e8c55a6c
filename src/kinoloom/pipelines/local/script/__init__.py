"""What a script sees of the executions that it starts: progress, signals and its exit code."""
