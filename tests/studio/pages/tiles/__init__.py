"""A skeleton page for tests: Live pictures, the newest only."""
