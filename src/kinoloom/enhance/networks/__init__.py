"""Networks that enlarge or denoise pictures, run from ONNX files in tiles."""
