"""Enhancement of a video: frames in, frames out, in one pass."""
