"""One optimisation step, on one process or several."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from kinoloom.errors import UsageError
from kinoloom.learn.checkpointing.averaging import AveragedWeights
from kinoloom.learn.distributed import ProcessGroup
from kinoloom.learn.loading import to_device
from kinoloom.learn.optimisers import build_optimiser, set_learning_rate
from kinoloom.learn.schedules import learning_rate
from kinoloom.learn.seeds import seed_everything
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Losses, Task

_AUTOCAST_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Updater:
    """A network and its optimisation state: optimiser, averaged weights, loss scale.

    Attributes:
        net: the network, on its device.
        averaged: the moving average of its weights, or None.
    """

    def __init__(self, task: Task, settings: Settings, processes: ProcessGroup) -> None:
        self.task, self.settings, self.processes = task, settings, processes
        self.net = task.net.to(processes.device)
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.optimiser = build_optimiser(task, settings)
        self.averaged = AveragedWeights(self.net, settings.ema) if settings.ema else None
        self.scaler = torch.amp.GradScaler(
            processes.device.type, enabled=settings.precision == "fp16"
        )
        self.terms: nn.Module = _LossTerms(self.net, task.losses)
        if processes.world_size > 1:
            self.terms = DistributedDataParallel(
                self.terms, find_unused_parameters=task.has_unused_parameters
            )

    @property
    def eval_net(self) -> nn.Module:
        """The network to evaluate: the one with averaged weights, if enabled."""
        return self.net if self.averaged is None else self.averaged.net

    def update(self, step: int, parts: list[Any]) -> dict[str, Tensor]:
        """Take one optimisation step on this process's shares of a batch.

        Args:
            step: counted from 0.
            parts: the batch of each share.

        Returns:
            The loss and its terms over this process's shares, and the norm of the whole gradient,
            or with fp16 the loss scale, as scalar tensors.

        Raises:
            UsageError: the terms do not match the weights.
        """
        self.net.train()
        set_learning_rate(self.optimiser, learning_rate(self.settings, step))
        self.optimiser.zero_grad()
        weights = self.task.weights_at(step)
        values = dict.fromkeys([*weights, "loss"], torch.zeros((), device=self.processes.device))
        for index, part in enumerate(parts):
            shares = len(parts)
            seed_everything(self.settings.seed, step, self.processes.rank * shares + index)
            with self._gradient_sync(last=index == shares - 1):
                found = self._losses(part, weights)
                scaled = self.scaler.scale(found["loss"] / shares)
                scaled.backward()  # type: ignore[no-untyped-call]
            values = {name: values[name] + found[name].detach() / shares for name in values}
        self.scaler.unscale_(self.optimiser)
        norm = self._clip()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.scaler.is_enabled():  # the scaler skips overflows
            values["loss scale"] = torch.tensor(self.scaler.get_scale(), device=norm.device)
        else:
            values["gradient norm"] = norm
        if self.averaged is not None:
            self.averaged.update(self.net, step + 1)
        return values

    def _losses(self, part: Any, weights: dict[str, float]) -> dict[str, Tensor]:
        dtype = _AUTOCAST_DTYPES.get(self.settings.precision)
        with torch.autocast(self.processes.device.type, dtype, enabled=dtype is not None):
            terms = self.terms(to_device(part, self.processes.device), weights)
        if set(terms) != set(weights):
            raise UsageError(
                f"The task's losses are {sorted(terms)}, but its weights name {sorted(weights)}."
            )
        loss = torch.stack([weights[name] * terms[name].float() for name in weights]).sum()
        return {"loss": loss, **terms}

    def _gradient_sync(self, *, last: bool) -> Any:
        """Return the context of a backward pass; only the last one exchanges gradients."""
        if isinstance(self.terms, DistributedDataParallel) and not last:
            return self.terms.no_sync()
        return nullcontext()

    def _clip(self) -> Tensor:
        if self.settings.clip is not None:
            return nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        return nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def state(self) -> dict[str, Any]:
        """Return the state to store in a checkpoint."""
        return {
            "model": self.net.state_dict(),
            "mean": None if self.averaged is None else self.averaged.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state from a checkpoint."""
        self.net.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.net.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])


class _LossTerms(nn.Module):
    """The losses of a task as a module, so that DDP tracks all uses of the network."""

    def __init__(self, net: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.net, self.losses = net, losses

    def forward(self, batch: Any, weights: dict[str, float]) -> dict[str, Tensor]:
        return dict(self.losses(self.net, batch, weights))
