"""Synthetic scenes: moving cut-outs of photos, with exact ground truth of their motion.

`scenes.make_scene` draws a scene from photos and a random generator, `packing.pack` converts
several scenes to tensors, and `samples.render_samples` renders frames, flow and visibility on any
device.
"""
