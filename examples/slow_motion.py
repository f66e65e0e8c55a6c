"""Slow a video down eight times, sound included: python examples/slow_motion.py IN OUT."""

import sys

import kinoloom

source, target = sys.argv[1:]
clip = kinoloom.interpolate(source, slow=8)
summary = kinoloom.write(clip, target, overwrite=True)
print(f"{summary['output']}: {summary['frames']} frames, {summary['duration_s']:.3f} s")
