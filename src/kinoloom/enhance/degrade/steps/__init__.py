"""The steps of degradations: blur, resizing, noise, cameras, tape and compression."""
