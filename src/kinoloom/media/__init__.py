"""Pixels and samples in and out: photos, videos and the sound, colour and times in them."""
