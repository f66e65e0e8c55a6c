"""Error estimates of interpolated frames, and the warnings based on them."""
