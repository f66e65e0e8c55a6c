"""Single frames, overlays, cuts and short loops of a film that is not rendered as a whole."""
