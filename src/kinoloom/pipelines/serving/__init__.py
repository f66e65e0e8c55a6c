"""The program of Transform steps: applies a model's script to files.

It imports only the standard library; the user's script imports what it needs.
"""
