"""Made motion: scenes of cut-out photos that move, with the exact truth of their motion.

`scenes.make_scene` draws a scene of photos and a generator; `packing.pack` lays several together
as tensors; `samples.make_samples` makes frames, flow and visibility of them on any device.
"""
