"""Batch and group normalization of multivector fields.

Inputs and outputs: fields (B, channels, I, *space), with 0 to 3 axes of space.
The blades of a channel are one random vector: its mean is removed and its I x I covariance C made
the identity, by the inverse of the lower Cholesky factor L of C = L L^T; then a learned I x I
matrix and a learned multivector are applied. Both matrices are multiplied first, so that the field
itself is read twice and written once.

So that a blade which is always 0, or two which always agree, do no harm, C gets eps times the
larger of 1 and its mean variance added on its diagonal.

Not equivariant: whitening depends on the order of the blades.

Source: Trabelsi et al., "Deep Complex Networks", ICLR 2018, arXiv:1705.09792 (whitening of complex
channels), as carried over to multivectors by Brandstetter et al., ICLR 2023, arXiv:2209.04934.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.layout import check_field
from kinoloom.clifford.layers.product import Grades, Signature
from kinoloom.errors import ArrayError, UsageError


class _Norm(nn.Module):
    """What both norms share: the learned matrix and multivector of each channel."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self, g: Signature, channels: int, eps: float, affine: bool, grades: Grades
    ) -> None:
        super().__init__()
        if channels < 1 or not eps > 0:
            raise UsageError(
                f"A norm has at least 1 channel and eps > 0, not {channels} and {eps}."
            )
        self.algebra = Algebra.of(g)
        self.channels, self.eps = channels, eps
        self.blades = self.algebra.blades_of_grades(grades)
        size = len(self.blades)
        self.weight = nn.Parameter(torch.empty(channels, size, size)) if affine else None
        self.bias = nn.Parameter(torch.empty(channels, size)) if affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Back to the identity matrix and 0."""
        if self.weight is not None and self.bias is not None:
            with torch.no_grad():
                self.weight.copy_(torch.eye(len(self.blades)))
                self.bias.zero_()

    def _apply_matrix(self, x: Tensor, whitening: Tensor) -> Tensor:
        """Learned matrix times whitening (..., C, I, I) times x, plus the learned multivector."""
        matrix = whitening if self.weight is None else self.weight @ whitening
        y = matrix @ x
        return y if self.bias is None else y + self.bias[..., None]

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.algebra}, {self.channels}, blades {len(self.blades)}, eps={self.eps}"


class CliffordBatchNorm(_Norm):
    """Normalizes each channel over the batch and space.

    Args:
        g: the algebra, or its signature as a list of squares.
        channels: how many multivectors at each place.
        eps: what is added to the covariance, see the module's head.
        momentum: how much of a batch's statistics enters the running ones; None averages all.
        affine: whether there are a learned matrix and multivector.
        track_running_stats: whether evaluation uses running statistics instead of the batch's.
        grades: the grades that fields have; None for all.

    Attributes:
        weight: (channels, I, I); bias: (channels, I); or None.
        running_mean: (channels, I); running_cov: (channels, I, I), of division by the number of
            samples; or None.

    Raises:
        UsageError: no channel, eps not above 0, momentum outside 0..1, a grade that is not there.
    """

    running_mean: Tensor | None
    running_cov: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        g: Signature,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        grades: Grades = None,
    ) -> None:
        super().__init__(g, channels, eps, affine, grades)
        if momentum is not None and not 0 <= momentum <= 1:
            raise UsageError(f"momentum must be from 0 to 1, or None, not {momentum}.")
        self.momentum, self.track_running_stats = momentum, track_running_stats
        size, kept = len(self.blades), track_running_stats
        cov = torch.eye(size).repeat(channels, 1, 1)
        self.register_buffer("running_mean", torch.zeros(channels, size) if kept else None)
        self.register_buffer("running_cov", cov if kept else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if kept else None)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The same shape.

        Raises:
            ArrayError: another shape; in training a single sample, NaN or infinite values.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        samples = x.flatten(3) if x.dim() > 3 else x[..., None]
        if self.training or self.running_mean is None or self.running_cov is None:
            mean, cov = self._statistics(samples)
        else:
            mean, cov = self.running_mean, self.running_cov
        made = self._apply_matrix(samples - mean[..., None], _whitening(cov, self.eps))
        return made.reshape(x.shape)

    def _statistics(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        count = samples.shape[0] * samples.shape[3]
        if count < 2:
            raise ArrayError("Batch normalization needs more than one sample for each channel.")
        mean = samples.mean((0, 3))
        centred = samples - mean[..., None]
        cov = torch.einsum("bcin,bcjn->cij", centred, centred) / count
        if self.training and self.track_running_stats:
            self._track(mean.detach(), cov.detach())
        return mean, cov

    @torch.no_grad()
    def _track(self, mean: Tensor, cov: Tensor) -> None:
        if self.num_batches_tracked is None or self.running_mean is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_cov, cov)):
            if running is not None:
                running += share * (new - running)


class CliffordGroupNorm(_Norm):
    """Normalizes groups of channels over themselves and space, for each field of a batch.

    One group is layer normalization, as many groups as channels instance normalization.

    Args:
        g: the algebra, or its signature as a list of squares.
        num_groups: how many groups; divides `channels`.
        channels: how many multivectors at each place.
        eps: what is added to the covariance, see the module's head.
        affine: whether there are a learned matrix and multivector for each channel.
        grades: the grades that fields have; None for all.

    Attributes:
        weight: (channels, I, I); bias: (channels, I); or None.

    Raises:
        UsageError: no channel, eps not above 0, groups that do not divide the channels, a grade
            that is not there.
    """

    def __init__(
        self,
        g: Signature,
        num_groups: int,
        channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        grades: Grades = None,
    ) -> None:
        super().__init__(g, channels, eps, affine, grades)
        if num_groups < 1 or channels % num_groups:
            raise UsageError(f"num_groups={num_groups} must divide channels={channels}.")
        self.num_groups = num_groups

    def forward(self, x: Tensor) -> Tensor:
        """Normalize a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The same shape.

        Raises:
            ArrayError: another shape; a single sample in a group, NaN or infinite values.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        samples = x.flatten(3) if x.dim() > 3 else x[..., None]
        members = self.channels // self.num_groups
        count = members * samples.shape[3]
        if count < 2:
            raise ArrayError("Group normalization needs more than one sample in each group.")
        grouped = samples.reshape(len(x), self.num_groups, members, len(self.blades), -1)
        mean = grouped.mean((2, 4), keepdim=True)
        centred = grouped - mean
        cov = torch.einsum("bgcin,bgcjn->bgij", centred, centred) / count
        whitening = _whitening(cov, self.eps).repeat_interleave(members, dim=1)
        return self._apply_matrix(centred.flatten(1, 2), whitening).reshape(x.shape)


def regularize_covariance(cov: Tensor, eps: float) -> Tensor:
    """Covariances (..., I, I) that eps keeps from being singular."""
    eye = torch.eye(cov.shape[-1], dtype=cov.dtype, device=cov.device)
    variance = cov.diagonal(dim1=-2, dim2=-1).mean(-1)
    return cov + eps * variance.clamp(min=1)[..., None, None] * eye


def _whitening(cov: Tensor, eps: float) -> Tensor:
    """The inverse of the lower Cholesky factor of `loaded` covariances."""
    matrix = regularize_covariance(cov, eps)
    if torch.compiler.is_compiling():
        return invert_cholesky_factor(matrix)
    try:
        factor = torch.linalg.cholesky(matrix)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise ArrayError("A field to be normalized holds NaN or infinite values.") from error
    eye = torch.eye(cov.shape[-1], dtype=cov.dtype, device=cov.device)
    inverse: Tensor = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
    return inverse


def invert_cholesky_factor(matrix: Tensor) -> Tensor:
    """The inverse of the lower Cholesky factor, in operations that every exporter knows.

    With C = U D U^T, U of unit diagonal, rows are taken from the rows below until C is D and the
    identity has become U^-1. Of single matrices LAPACK is faster, so only compilers get this.

    Args:
        matrix: (..., I, I), symmetric and positive definite; else the result is not finite.
    """
    size = matrix.shape[-1]
    inverse = torch.eye(size, dtype=matrix.dtype, device=matrix.device).expand_as(matrix)
    place = torch.arange(size, device=matrix.device)
    for k in range(size - 1):
        shares = matrix[..., k] / matrix[..., k, None, k] * (place > k)
        inverse = inverse - shares[..., None] * inverse[..., k, None, :]
        matrix = matrix - shares[..., None] * matrix[..., k, None, :]
    return inverse * matrix.diagonal(dim1=-2, dim2=-1).rsqrt()[..., None]
