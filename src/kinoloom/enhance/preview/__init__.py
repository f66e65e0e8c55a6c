"""Previews: a part of a photo or of a frame, enhanced before a job starts."""
