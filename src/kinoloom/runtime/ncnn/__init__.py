"""Conversion of ncnn networks to ONNX, without torch, ncnn or the onnx package.

param    reads the layers of a .param file
weights  reads the arrays of a .bin file in order
layers   the ONNX nodes of each type of layer
convert  joins them to a model
"""

from kinoloom.runtime.ncnn.convert import convert_ncnn, convert_ncnn_file

__all__ = ["convert_ncnn", "convert_ncnn_file"]
