"""What players need besides a file: exact frames, thumbnails, peaks, captions, proxies."""
