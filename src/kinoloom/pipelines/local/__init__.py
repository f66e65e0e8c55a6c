"""Running pipelines on this machine: state, store, cache, processes, the engine."""
