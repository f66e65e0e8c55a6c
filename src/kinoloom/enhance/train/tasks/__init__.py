"""Training tasks: super-resolution and denoising."""
