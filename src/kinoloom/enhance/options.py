"""Options of the ops on enhancement."""
