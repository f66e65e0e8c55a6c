"""Improve a recorded call with the preset `meeting`: python examples/enhance_call.py IN OUT."""

import sys

import kinoloom
from kinoloom.enhance import enhance

source, output = sys.argv[1:]
clip = enhance(source, preset="meeting")
summary = kinoloom.write(clip, output, overwrite=True)
print("{output}: {frames} frames of {width}x{height}".format(**summary))
for note in clip.notes:
    print(f"{note.level}: {note.message}")
