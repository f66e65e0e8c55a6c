"""Multivector fields: solvers of physical equations, conversion of videos, files."""
