"""Networks for enhancement, one per file; they need torch."""
