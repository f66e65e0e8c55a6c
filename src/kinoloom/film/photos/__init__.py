"""Films of photos: the path through the photos and the frames along it."""
