"""Losses as published: plain functions of pictures, flows or features, each giving a scalar.

Pictures are (B, 3, H, W) RGB, 0..1 in gamma space; flows (B, 2, H, W), x then y, in pixels; masks
(B, 1, H, W), 1 where a pixel counts. All is computed in float32. A loss is the mean over what it
looks at, so it does not grow with the batch or the picture.
"""
