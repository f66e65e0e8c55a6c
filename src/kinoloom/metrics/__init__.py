"""How close two pictures are: PSNR and SSIM, as the field computes them."""

from kinoloom.metrics.quality import psnr, ssim

__all__ = ["psnr", "ssim"]
