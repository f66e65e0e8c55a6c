"""Randomness that depends on where it is used and on nothing else.

Every random choice of a training follows from (seed, step, sample). So a batch can be made again
at any time, by any worker, in any process: that is what makes resume exact and lets one process
with the whole batch and eight with an eighth each see the same samples.
"""

from __future__ import annotations

import random

import numpy as np
import torch

from kinoloom.errors import UsageError

_TORCH = 0x746F726368  # keeps the streams of the loop apart from those of the samples


def generator(seed: int, *place: int) -> np.random.Generator:
    """A generator for one place, such as generator(seed, step, sample)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *place])))


def share_of(batch: int, share: int, shares: int) -> range:
    """Which samples of a batch belong to a share.

    Args:
        batch: samples in the whole batch.
        share: from 0 to shares - 1.
        shares: equal parts that the batch is cut into.

    Raises:
        UsageError: the batch cannot be cut into that many equal parts.
    """
    if batch % shares:
        raise UsageError(
            f"A batch of {batch} cannot be cut into {shares} equal shares.",
            hint="Let --batch be a multiple of processes times --accumulate.",
        )
    size = batch // shares
    return range(share * size, (share + 1) * size)


def seed_everything(seed: int, step: int, share: int) -> None:
    """Set the global generators of Python, numpy and torch for one share of one step.

    Dropout and other random layers draw from these. Set at every step, they need not be saved.
    """
    words = np.random.SeedSequence([seed, step, share, _TORCH]).generate_state(2, np.uint64)
    random.seed(int(words[0]))
    np.random.seed(int(words[0]) % 2**32)  # noqa: NPY002  for libraries that draw from it
    torch.manual_seed(int(words[1]) % 2**63)
