"""Optical flow in colour: hue is the direction of the motion, saturation its speed.

python examples/gallery/optical_flow.py [FOLDER]
"""

import numpy as np
from panels import clip_frames, labelled, row, save

from kinoloom.film.selection import build_engine_options, choose_engine
from kinoloom.motion.flow_color import draw_color_wheel, draw_flow, typical_speed_px

WIDTH = 560
KEY = 96

frames = clip_frames()
first, second = frames[14], frames[17]
options = build_engine_options(None)
flows = choose_engine("fast", options).build(options).estimate_flow(first, second)
if flows is None:
    raise SystemExit("The engine estimates no optical flow.")
forward = flows[0]
drawn = np.array(labelled(draw_flow(forward, typical_speed_px(forward)), "", scaled_px=WIDTH))
drawn[-KEY - 8 : -8, -KEY - 8 : -8] = draw_color_wheel(KEY)
panels = [
    labelled(first, "frame 1", scaled_px=WIDTH),
    labelled(second, "frame 2", scaled_px=WIDTH),
    labelled(drawn, "optical flow"),
]
save(row(panels), "optical_flow")
