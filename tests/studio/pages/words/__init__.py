"""A skeleton page for tests: A text of 10,000 words with undo."""
