"""What is done to an input: presets, choices from measurements, and the settings of the work."""
