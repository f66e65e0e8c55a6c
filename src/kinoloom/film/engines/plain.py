"""The engine `dis`: DIS optical flow, symmetrised, both frames warped and averaged."""
from __future__ import annotations
from collections.abc import Iterator, Sequence
import cv2
import numpy as np
from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.film.engine import Engine, EngineOptions, Flow

class PlainDis:
    """standin"""
    def __init__(self, options: EngineOptions) -> None:
        self.options = options
    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """standin"""
        h, w = first.shape[:2]
        if min(h, w) < 32:
            z = np.zeros((h, w, 2), np.float32); return z, z
        g = [cv2.cvtColor(np.rint(to_float(p)[..., :3]*255).astype(np.uint8), cv2.COLOR_RGB2GRAY) for p in (first, second)]
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        f, b = dis.calc(g[0], g[1], None), dis.calc(g[1], g[0], None)
        return f, b
    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """standin"""
        f, b = self.flows(first, second)
        h, w = first.shape[:2]
        s = (f - b) / 2
        x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
        for t in times:
            a = cv2.remap(to_float(first), x - t*s[..., 0], y - t*s[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            c = cv2.remap(to_float(second), x + (1-t)*s[..., 0], y + (1-t)*s[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            yield from_float(np.float32(1-t)*a + np.float32(t)*c, first.dtype)

DIS = Engine("dis", "plain", 5, PlainDis, lambda o: "", 100)
