"""Quality of pictures against ground truth: PSNR and SSIM, by the protocol of the literature."""

from kinoloom.metrics.bicubic import resize_bicubic
from kinoloom.metrics.quality import psnr, ssim

__all__ = ["psnr", "resize_bicubic", "ssim"]
