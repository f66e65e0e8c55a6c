"""Eight times slower, the sound stretched at its pitch: python examples/slow_motion.py IN OUT."""

import sys

import kinoloom

source, target = sys.argv[1:]
clip = kinoloom.interpolate(source, slow=8)
told = kinoloom.write(clip, target, overwrite=True)
print(f"{told['output']}: {told['frames']} frames, {told['duration_s']:.3f} s")
