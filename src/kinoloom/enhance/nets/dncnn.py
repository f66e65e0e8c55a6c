"""DnCNN: removal of noise by a network that estimates the noise itself.

Input: (B, C, H, W) float32 in 0..1, C colours.
Output: (B, C, H, W), not clipped.

Architecture: 3x3 convolutions with ReLUs and, in the training form, batch normalisation between
the first and the last; the result is subtracted from the input. `DnCNN.fold` returns the equal
network without normalisation.

Conventions: the names of the weights are those of KAIR's files, whose normalisation is folded.

Source: Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian Denoiser", IEEE TIP 26(7), 2017,
arXiv:1608.03981; KAIR.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.enhance.nets.folding import Kernel, build_convolution, get_kernel


class DnCNN(nn.Module):
    """DnCNN; see the module docstring.

    Args:
        channels: of the hidden layers; 64 in the published networks.
        layers: convolutions, at least 2; 17 for grey, 20 for colours of unknown noise.
        colours: channels of the image, 1 or 3.
        is_folded: whether to build the form without normalisation.
    """

    def __init__(
        self, channels: int = 64, layers: int = 20, colours: int = 3, is_folded: bool = False
    ) -> None:
        super().__init__()
        self.channels, self.layers, self.colours = channels, layers, colours
        self.is_folded = is_folded
        modules: list[nn.Module] = [nn.Conv2d(colours, channels, 3, padding=1), nn.ReLU()]
        for _ in range(layers - 2):
            modules.append(nn.Conv2d(channels, channels, 3, padding=1))
            modules += [nn.ReLU()] if is_folded else [nn.BatchNorm2d(channels), nn.ReLU()]
        modules.append(nn.Conv2d(channels, colours, 3, padding=1))
        self.model = nn.Sequential(*modules)

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in pixels."""
        return self.layers

    def forward(self, image: Tensor) -> Tensor:
        """Return the image without its noise."""
        cleaned: Tensor = image - self.model(image)
        return cleaned

    def fold(self) -> DnCNN:
        """Return the equal network of evaluation mode without normalisation, a copy."""
        kernels: list[Kernel] = []
        for module in self.model:
            if isinstance(module, nn.Conv2d):
                kernels.append(get_kernel(module))
            elif isinstance(module, nn.BatchNorm2d):
                kernels[-1] = _fold_normalisation(kernels[-1], module)
        folded = DnCNN(self.channels, self.layers, self.colours, is_folded=True)
        for number, kernel in enumerate(kernels):
            folded.model[2 * number] = build_convolution(kernel)
        return folded.eval()


def _fold_normalisation(kernel: Kernel, layer: nn.BatchNorm2d) -> Kernel:
    """Return the kernel of a convolution followed by normalisation with the running statistics."""
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        raise TypeError("the normalisation has no running statistics")
    factor = layer.weight / torch.sqrt(variance + layer.eps)
    return Kernel(
        kernel.weight * factor[:, None, None, None], (kernel.bias - mean) * factor + layer.bias
    )
