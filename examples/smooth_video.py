"""Raise a video to 59.94 frames per second: python examples/smooth_video.py IN OUT."""

import sys

import kinoloom

source, target = sys.argv[1:]
clip = kinoloom.interpolate(source, fps="60000/1001")
summary = kinoloom.write(clip, target, overwrite=True)
print(f"{summary['output']}: {summary['frames']} frames, {summary['duration_s']:.3f} s")
for note in clip.notes:
    print(f"{note.level}: {note.message}")
