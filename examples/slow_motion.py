"""Slow a video down eight times, audio at constant pitch: python examples/slow_motion.py IN OUT."""

import sys

import kinoloom

source, output = sys.argv[1:]
clip = kinoloom.interpolate(source, slow=8)
summary = kinoloom.write(clip, output, overwrite=True)
print("{output}: {frames} frames, {duration_s:.3f} s".format(**summary))
