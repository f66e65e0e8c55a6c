"""Jobs: their files, processes, resources, cache keys and outcomes."""
