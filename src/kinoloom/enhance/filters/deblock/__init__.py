"""Deblocking: errors of the 8x8 transform of JPEG and older video codecs."""
