"""Batch and group normalisation of multivector fields.

Inputs and outputs: fields (B, channels, I, *space), with 0 to 3 axes of space.
The blades of a channel are treated as a random vector: it is centred and whitened by the inverse of
the lower Cholesky factor L of its I x I covariance C = L L^T; then a learned I x I matrix and a
learned multivector are applied. The two matrices are multiplied first, so the field is read twice
and written once.

Norms compute in float32 under autocast, since a covariance in 16 bits may not be positive definite.

eps times the larger of 1 and the mean variance is added to the diagonal of C, so blades that are
constant or linearly dependent do not make it singular.

Not equivariant: whitening depends on the order of the blades.

Sources: Trabelsi et al., "Deep Complex Networks", ICLR 2018, arXiv:1705.09792 (whitening of complex
channels); Brandstetter et al., ICLR 2023, arXiv:2209.04934 (multivectors).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.layout import check_field, run_in_full_precision
from kinoloom.clifford.layers.product import Grades, Signature
from kinoloom.errors import ArrayError, UsageError


class _Norm(nn.Module):
    """Base class of norms: a learned matrix and multivector for each channel."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self, g: Signature, channels: int, eps: float, affine: bool, grades: Grades
    ) -> None:
        super().__init__()
        if channels < 1 or not eps > 0:
            raise UsageError(
                f"Invalid norm of {channels} channels with eps={eps}: expected at least 1 channel "
                "and eps > 0."
            )
        self.algebra = Algebra.of(g)
        self.channels, self.eps = channels, eps
        self.blades = self.algebra.blades_of_grades(grades)
        size = len(self.blades)
        self.weight = nn.Parameter(torch.empty(channels, size, size)) if affine else None
        self.bias = nn.Parameter(torch.empty(channels, size)) if affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset the learned matrices to the identity and the multivectors to 0."""
        if self.weight is not None and self.bias is not None:
            with torch.no_grad():
                self.weight.copy_(torch.eye(len(self.blades)))
                self.bias.zero_()

    def _apply_matrix(self, x: Tensor, whitening: Tensor) -> Tensor:
        """Apply the whitening (..., C, I, I), the learned matrix and the learned multivector."""
        matrix = whitening if self.weight is None else self.weight @ whitening
        y = matrix @ x
        return y if self.bias is None else y + self.bias[..., None]

    def extra_repr(self) -> str:
        """Return the arguments that `print` shows."""
        return f"{self.algebra}, {self.channels}, blades {len(self.blades)}, eps={self.eps}"


class CliffordBatchNorm(_Norm):
    """Batch normalisation: whitens each channel over the batch and space.

    Args:
        g: algebra, or its signature as a sequence of squares.
        channels: number of multivectors per cell.
        eps: regularisation of the covariance, see the module docstring.
        momentum: weight of a batch in the running statistics; None for a cumulative average.
        affine: whether to learn a matrix and a multivector for each channel.
        track_running_stats: whether evaluation uses running statistics; of the batch otherwise.
        grades: grades of the fields; None for all.

    Attributes:
        weight: (channels, I, I) or None.
        bias: (channels, I) or None.
        running_mean: (channels, I) or None.
        running_cov: (channels, I, I) or None; the biased estimate, divided by the sample count.

    Raises:
        UsageError: the number of channels, eps, momentum or a grade is invalid.
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
            raise UsageError(f"Invalid momentum {momentum}: expected 0 to 1, or None.")
        self.momentum, self.track_running_stats = momentum, track_running_stats
        size, track = len(self.blades), track_running_stats
        cov = torch.eye(size).repeat(channels, 1, 1)
        self.register_buffer("running_mean", torch.zeros(channels, size) if track else None)
        self.register_buffer("running_cov", cov if track else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if track else None)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The normalised field, of the same shape.

        Raises:
            ArrayError: the shape is wrong, or x has 16 bits outside of autocast; in training,
                also a single sample, or NaN or infinite values.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        return run_in_full_precision(self, self._normalise, x)

    def _normalise(self, x: Tensor) -> Tensor:
        samples = x.flatten(3) if x.dim() > 3 else x[..., None]
        if self.training or self.running_mean is None or self.running_cov is None:
            mean, cov = self._compute_statistics(samples)
        else:
            mean, cov = self.running_mean, self.running_cov
        whitened = self._apply_matrix(samples - mean[..., None], _compute_whitening(cov, self.eps))
        return whitened.reshape(x.shape)

    def _compute_statistics(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        count = samples.shape[0] * samples.shape[3]
        if count < 2:
            raise ArrayError("Batch normalisation needs at least two samples for each channel.")
        mean = samples.mean((0, 3))
        centred = samples - mean[..., None]
        cov = torch.einsum("bcin,bcjn->cij", centred, centred) / count
        if self.training and self.track_running_stats:
            self._update_running_stats(mean.detach(), cov.detach())
        return mean, cov

    @torch.no_grad()
    def _update_running_stats(self, mean: Tensor, cov: Tensor) -> None:
        if self.num_batches_tracked is None or self.running_mean is None:
            return
        self.num_batches_tracked += 1
        weight = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_cov, cov)):
            if running is not None:
                running += weight * (new - running)


class CliffordGroupNorm(_Norm):
    """Group normalisation: whitens each group of channels over the group and space.

    One group is layer normalisation, as many groups as channels instance normalisation.

    Args:
        g: algebra, or its signature as a sequence of squares.
        num_groups: number of groups, a divisor of `channels`.
        channels: number of multivectors per cell.
        eps: regularisation of the covariance, see the module docstring.
        affine: whether to learn a matrix and a multivector for each channel.
        grades: grades of the fields; None for all.

    Attributes:
        weight: (channels, I, I) or None.
        bias: (channels, I) or None.

    Raises:
        UsageError: the number of channels or groups, eps or a grade is invalid.
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
            raise UsageError(
                f"Invalid num_groups={num_groups}: expected a divisor of channels={channels}."
            )
        self.num_groups = num_groups

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The normalised field, of the same shape.

        Raises:
            ArrayError: the shape is wrong, x has 16 bits outside of autocast, a group has a single
                sample, or the field contains NaN or infinite values.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        return run_in_full_precision(self, self._normalise, x)

    def _normalise(self, x: Tensor) -> Tensor:
        samples = x.flatten(3) if x.dim() > 3 else x[..., None]
        members = self.channels // self.num_groups
        count = members * samples.shape[3]
        if count < 2:
            raise ArrayError("Group normalisation needs at least two samples in each group.")
        grouped = samples.reshape(len(x), self.num_groups, members, len(self.blades), -1)
        mean = grouped.mean((2, 4), keepdim=True)
        centred = grouped - mean
        cov = torch.einsum("bgcin,bgcjn->bgij", centred, centred) / count
        whitening = _compute_whitening(cov, self.eps).repeat_interleave(members, dim=1)
        return self._apply_matrix(centred.flatten(1, 2), whitening).reshape(x.shape)


def regularise_covariance(cov: Tensor, eps: float) -> Tensor:
    """Return covariances (..., I, I) with a larger diagonal, so that they are not singular."""
    eye = torch.eye(cov.shape[-1], dtype=cov.dtype, device=cov.device)
    variance = cov.diagonal(dim1=-2, dim2=-1).mean(-1)
    return cov + eps * variance.clamp(min=1)[..., None, None] * eye


def _compute_whitening(cov: Tensor, eps: float) -> Tensor:
    """Return the inverse of the lower Cholesky factor of regularised covariances."""
    matrix = regularise_covariance(cov, eps)
    if torch.compiler.is_compiling():
        return invert_cholesky_factor(matrix)
    try:
        factor = torch.linalg.cholesky(matrix)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise ArrayError("The input of a norm contains NaN or infinite values.") from error
    eye = torch.eye(cov.shape[-1], dtype=cov.dtype, device=cov.device)
    inverse: Tensor = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
    return inverse


def invert_cholesky_factor(matrix: Tensor) -> Tensor:
    """Return the inverse of the lower Cholesky factor, by operations that every exporter supports.

    Gaussian elimination of C = U D U^T, with unit diagonal of U, turns C into D and the identity
    into U^-1. LAPACK is faster, so this function is only used in compiled and exported programs.

    Args:
        matrix: (..., I, I), symmetric and positive definite; otherwise the result is not finite.
    """
    size = matrix.shape[-1]
    inverse = torch.eye(size, dtype=matrix.dtype, device=matrix.device).expand_as(matrix)
    row = torch.arange(size, device=matrix.device)
    for k in range(size - 1):
        factors = matrix[..., k] / matrix[..., k, None, k] * (row > k)
        inverse = inverse - factors[..., None] * inverse[..., k, None, :]
        matrix = matrix - factors[..., None] * matrix[..., k, None, :]
    return inverse * matrix.diagonal(dim1=-2, dim2=-1).rsqrt()[..., None]
