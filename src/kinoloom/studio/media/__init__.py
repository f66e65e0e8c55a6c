"""Media for pages: ranges, frames, thumbnails, peaks, proxies."""
