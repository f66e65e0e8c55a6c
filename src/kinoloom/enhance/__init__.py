"""Measure, clean and enlarge pictures: estimates, filters, networks and their training."""
