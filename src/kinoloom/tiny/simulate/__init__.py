"""Simulation of a program in numpy, bit-identical to the device."""
