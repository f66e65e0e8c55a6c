"""Products in coordinates of ideals: what wide convolutions use to need fewer multiplications.

In them a product from the right is m equal products of d numbers by a d x d matrix (see
`kinoloom.clifford.ideals`). The m rows are put into the batch: a convolution of C * I channels
becomes one of C * d channels over m times the fields.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.clifford.ideals import Ideals


class IdealCoordinates(nn.Module):
    """Changes fields and weights into these coordinates, and fields back.

    Args:
        ideals: the coordinates of an algebra.
    """

    into: Tensor
    out: Tensor
    matrices: Tensor

    def __init__(self, ideals: Ideals) -> None:
        super().__init__()
        blades = ideals.count * ideals.size
        into = ideals.into.reshape(ideals.count, ideals.size, blades)
        out = ideals.out.reshape(blades, ideals.count, ideals.size).swapaxes(0, 1)
        self.count, self.size = ideals.count, ideals.size
        for name, table in (("into", into), ("out", out), ("matrices", ideals.matrices)):
            kept = torch.tensor(table, dtype=torch.get_default_dtype())
            self.register_buffer(name, kept, persistent=False)

    def entries(self, weight: Tensor) -> Tensor:
        """The matrix of weights (I, ...): (d, d, ...), row j', column j."""
        made: Tensor = torch.tensordot(self.matrices, weight, dims=1)
        return made

    def enter(self, x: Tensor) -> Tensor:
        """Fields (B, C, I, *space) as images (m * B, C * d, *space)."""
        flat = x.flatten(0, 1).flatten(2)
        rows = [part.expand(len(flat), -1, -1).bmm(flat) for part in self.into]
        channels = x.shape[1] * self.size
        return torch.cat(rows).reshape(self.count * x.shape[0], channels, *x.shape[3:])

    def leave(self, y: Tensor, bias: Tensor | None) -> Tensor:
        """Images (m * B, C * d, *space) as fields (B, C, I, *space), bias (C, I) added."""
        batch, channels = y.shape[0] // self.count, y.shape[1] // self.size
        rows = y.reshape(self.count, batch * channels, self.size, -1)
        parts = [part.expand(rows.shape[1], -1, -1) for part in self.out]
        if bias is None:
            made: Tensor = parts[0].bmm(rows[0])
        else:
            made = torch.baddbmm(bias.repeat(batch, 1)[..., None], parts[0], rows[0])
        for part, row in zip(parts[1:], rows[1:], strict=True):
            made = torch.baddbmm(made, part, row)
        return made.reshape(batch, channels, -1, *y.shape[2:])
