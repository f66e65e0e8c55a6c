"""The front end: from a torch module to a calibrated network in real numbers."""
