"""Raise a video to 59.94 fps, audio in sync: python examples/smooth_video.py IN OUT."""

import sys

import kinoloom

source, output = sys.argv[1:]
clip = kinoloom.interpolate(source, fps="60000/1001")
summary = kinoloom.write(clip, output, overwrite=True)
print("{output}: {frames} frames, {duration_s:.3f} s".format(**summary))
for note in clip.notes:
    print(f"{note.level}: {note.message}")
