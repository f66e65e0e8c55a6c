"""Frame interpolation for large motion: new frames between photos or the frames of a video."""
