"""Documents: states that people edit together, each kept as the log of its changes."""
