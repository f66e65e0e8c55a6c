"""Random numbers that depend on the seed, the step and the sample alone.

Any worker in any process can rebuild a batch at any time. Hence resume is exact, and one process
with the whole batch sees the same samples as eight processes with an eighth of it each.
"""

from __future__ import annotations

import random

import numpy as np
import torch

from kinoloom.errors import UsageError

_LOOP_STREAM = 0x746F726368  # separates the streams of the loop from those of the samples


def generator(seed: int, *key: int) -> np.random.Generator:
    """Return a random generator for a key, as in generator(seed, step, sample)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def share_indices(batch: int, share: int, shares: int) -> range:
    """Return the indices of a share's samples within the batch.

    Args:
        batch: number of samples in the whole batch.
        share: from 0 to shares - 1.
        shares: number of equal shares.

    Raises:
        UsageError: the batch is not a multiple of the shares.
    """
    if batch % shares:
        raise UsageError(
            f"A batch of {batch} samples cannot be divided into {shares} equal shares.",
            hint="Choose a --batch that is a multiple of the processes times --accumulate.",
        )
    size = batch // shares
    return range(share * size, (share + 1) * size)


def seed_everything(seed: int, step: int, share: int) -> None:
    """Seed the global generators of Python, numpy and torch for one share of one step.

    Dropout and other random layers draw from them. Reseeded at every step, they need no checkpoint.
    """
    words = np.random.SeedSequence([seed, step, share, _LOOP_STREAM]).generate_state(2, np.uint64)
    random.seed(int(words[0]))
    np.random.seed(int(words[0]) % 2**32)  # noqa: NPY002  libraries draw from it
    torch.manual_seed(int(words[1]) % 2**63)
