"""Model execution: the store of weights, ONNX, and tiles for pictures larger than memory."""
