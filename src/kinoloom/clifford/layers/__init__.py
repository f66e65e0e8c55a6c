"""Layers of multivectors, in torch; each module's head says what it takes and gives."""
