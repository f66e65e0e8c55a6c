"""Large-motion frame interpolation: new frames between photos or the frames of a video."""
