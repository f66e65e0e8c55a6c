"""Motion between pictures: optical flow, warping, splatting, alignment, cuts, flow colours."""
