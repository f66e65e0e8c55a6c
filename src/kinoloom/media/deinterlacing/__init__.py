"""Progressive frames from interlaced and telecined video."""
