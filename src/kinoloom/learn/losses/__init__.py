"""Losses as published: functions of images, flows or features that return a scalar.

Images are (B, 3, H, W) RGB, 0..1 in gamma space; flows (B, 2, H, W), x then y, in pixels; masks
(B, 1, H, W), 1 where a pixel counts. Everything is computed in float32. A loss is a mean over
pixels and batch, so it does not grow with either.
"""
