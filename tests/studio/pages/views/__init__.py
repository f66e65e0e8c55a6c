"""A skeleton page for tests: Four synchronised videos with points."""
