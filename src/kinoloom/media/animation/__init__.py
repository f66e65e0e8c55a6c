"""Animated pictures: GIF, WebP, APNG and AVIF."""
