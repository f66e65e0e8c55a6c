"""A skeleton page for tests: A map with tracks, lights and alerts."""
