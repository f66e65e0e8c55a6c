"""From a torch module to a network of real numbers."""
