"""Error estimates of interpolated frames, and the warnings that follow from them."""
