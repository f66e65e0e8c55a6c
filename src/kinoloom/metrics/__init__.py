"""Quality of pictures against ground truth, by the protocols of the literature."""

from kinoloom.metrics.bicubic import resize_bicubic
from kinoloom.metrics.luma import crop_border, psnr_y, ssim_y, to_luma
from kinoloom.metrics.quality import psnr, ssim

__all__ = ["crop_border", "psnr", "psnr_y", "resize_bicubic", "ssim", "ssim_y", "to_luma"]
