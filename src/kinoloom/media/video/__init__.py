"""Videos: decoding, encoding, colour conversion, frame times, segments."""
