"""Clean a folder of scans, without their location: python examples/enhance_scans.py IN OUT.

The folder is mirrored; scans that are finished are omitted when the script runs again.
"""

import sys

import kinoloom
from kinoloom.enhance import enhance

folder, output = sys.argv[1:]
clip = enhance(folder, preset="scan", without="denoise", metadata="no-location")
summary = kinoloom.write(clip, output, resume=True)
print("{photos} photos written, {finished} finished before".format(**summary))
for failure in summary["failed"]:
    print("{file}: {error}".format(**failure))
