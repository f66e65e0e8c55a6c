"""The engines of frame interpolation, each declared as a `film.engine.Engine`."""
