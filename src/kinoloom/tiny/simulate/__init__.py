"""The program run in numpy, bit by bit as the device runs it."""
