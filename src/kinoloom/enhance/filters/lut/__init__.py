"""Colour lookup tables: files, interpolation and fitting."""
