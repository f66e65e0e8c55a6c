"""Repacking the samples of frames."""

import subprocess
import sys

REPACK = """
import threading
import av, numpy as np
from kinoloom.media.video.planes import repack

samples = np.random.default_rng(0).integers(0, 255, (36, 32), np.uint8)
for _ in range(3000):
    frame = av.VideoFrame.from_ndarray(samples, "yuv420p").reformat(format="yuvj420p")
    ready = threading.Barrier(2)
    packed = []

    def run():
        ready.wait()
        packed.append(repack(frame, "yuv420p").to_ndarray())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(packed) == 2 and np.array_equal(*packed)
"""


def test_two_threads_repack_one_frame() -> None:
    """The frame of a source is encoded while the next interval is computed from it."""
    subprocess.run([sys.executable, "-c", REPACK], check=True, timeout=120)
