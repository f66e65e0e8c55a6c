"""Degradations: realistic low-quality pictures and clips from good ones, with exact records."""
