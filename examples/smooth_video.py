"""A video at 59.94 frames a second, sound in sync: python examples/smooth_video.py IN OUT."""

import sys

import kinoloom

source, target = sys.argv[1:]
clip = kinoloom.interpolate(source, fps="60000/1001")
told = kinoloom.write(clip, target, overwrite=True)
print(f"{told['output']}: {told['frames']} frames, {told['duration_s']:.3f} s")
for note in clip.notes:
    print(f"{note.level}: {note.message}")
