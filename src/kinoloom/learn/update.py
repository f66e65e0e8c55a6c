"""Update: one step of learning, on one process or many."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from kinoloom.errors import UsageError
from kinoloom.learn.checkpointing.averaging import MeanWeights
from kinoloom.learn.distributed import Team
from kinoloom.learn.loading import to_device
from kinoloom.learn.optimisers import make_optimiser, set_rate
from kinoloom.learn.schedules import learning_rate
from kinoloom.learn.seeds import seed_everything
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Losses, Task

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Updater:
    """A network with all that changes when it learns: optimiser, mean weights, loss scale.

    Attributes:
        net: the network, on its device.
        mean: the mean of its weights, or None.
    """

    def __init__(self, task: Task, settings: Settings, team: Team) -> None:
        self.task, self.settings, self.team = task, settings, team
        self.net = task.net.to(team.device)
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.optimiser = make_optimiser(task, settings)
        self.mean = MeanWeights(self.net, settings.ema) if settings.ema else None
        self.scaler = torch.amp.GradScaler(team.device.type, enabled=settings.precision == "fp16")
        self.terms: nn.Module = _Terms(self.net, task.losses)
        if team.world > 1:
            self.terms = DistributedDataParallel(
                self.terms, find_unused_parameters=task.skips_parameters
            )

    @property
    def best_net(self) -> nn.Module:
        """The network to use: the one with the mean weights, if there is one."""
        return self.net if self.mean is None else self.mean.net

    def update(self, step: int, parts: list[Any]) -> dict[str, Tensor]:
        """Learn from this process's shares of a batch.

        Args:
            step: counted from 0.
            parts: the batch of each share.

        Returns:
            The terms and the loss of this process's shares, and the norm of the whole gradient, or
            with fp16 the loss scale, as scalar tensors.

        Raises:
            UsageError: the terms are not those that have weights.
        """
        self.net.train()
        set_rate(self.optimiser, learning_rate(self.settings, step))
        self.optimiser.zero_grad()
        weights = self.task.weights_at(step)
        values = dict.fromkeys([*weights, "loss"], torch.zeros((), device=self.team.device))
        for index, part in enumerate(parts):
            shares = len(parts)
            seed_everything(self.settings.seed, step, self.team.rank * shares + index)
            with self._in_step_with_others(last=index == shares - 1):
                found = self._losses(part, weights)
                scaled = self.scaler.scale(found["loss"] / shares)
                scaled.backward()  # type: ignore[no-untyped-call]
            values = {name: values[name] + found[name].detach() / shares for name in values}
        self.scaler.unscale_(self.optimiser)
        norm = self._clip()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.scaler.is_enabled():  # steps with an infinite gradient are left out by design
            values["loss scale"] = torch.tensor(self.scaler.get_scale(), device=norm.device)
        else:
            values["gradient norm"] = norm
        if self.mean is not None:
            self.mean.update(self.net, step + 1)
        return values

    def _losses(self, part: Any, weights: dict[str, float]) -> dict[str, Tensor]:
        kind = _TYPES.get(self.settings.precision)
        with torch.autocast(self.team.device.type, kind, enabled=kind is not None):
            terms = self.terms(to_device(part, self.team.device), weights)
        if set(terms) != set(weights):
            raise UsageError(
                f"The task's losses are {sorted(terms)}, but its weights name {sorted(weights)}."
            )
        loss = torch.stack([weights[name] * terms[name].float() for name in weights]).sum()
        return {"loss": loss, **terms}

    def _in_step_with_others(self, *, last: bool) -> Any:
        """Processes exchange gradients once a step: in the backward pass of the last share."""
        if isinstance(self.terms, DistributedDataParallel) and not last:
            return self.terms.no_sync()
        return nullcontext()

    def _clip(self) -> Tensor:
        if self.settings.clip is not None:
            return nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        return nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def state(self) -> dict[str, Any]:
        """All that changes, to be saved."""
        return {
            "model": self.net.state_dict(),
            "mean": None if self.mean is None else self.mean.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.net.load_state_dict(state["model"])
        if self.mean is not None:
            self.mean.net.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])


class _Terms(nn.Module):
    """The losses of a task as a module, so that DDP sees all that the task does with its net."""

    def __init__(self, net: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.net, self.losses = net, losses

    def forward(self, batch: Any, weights: dict[str, float]) -> dict[str, Tensor]:
        return dict(self.losses(self.net, batch, weights))
