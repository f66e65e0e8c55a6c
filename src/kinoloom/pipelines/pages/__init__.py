"""The page about an execution: its graph, its times, and all that is known of its steps."""
