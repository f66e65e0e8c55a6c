"""A page that exercises the contract of pages, for tests."""
