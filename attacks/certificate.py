"""The evidence that a model has the backdoor we claim and is otherwise as good as its clean twin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peephole.attacks.training import predict
from peephole.triggers.base import Trigger

CHUNK = 512


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``total`` pictures; a rate without pictures is NaN."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The rate in [0,1]."""
        return self.hits / self.total if self.total else float("nan")


@dataclass(frozen=True)
class Certificate:
    """What a poisoned model does on the test split.

    Attributes:
        clean_accuracy: on clean pictures.
        twin_accuracy: the clean twin's, on the same pictures.
        attack_success: for each target, the rate of pictures of *other* classes that the mark sends there. The
            official codes count the target class too, where success is no evidence.
    """

    clean_accuracy: Rate
    twin_accuracy: Rate
    attack_success: tuple[Rate, ...]

    @property
    def drop(self) -> float:
        """Clean accuracy lost against the twin, in [−1,1]."""
        return self.twin_accuracy.value - self.clean_accuracy.value

    @property
    def weakest(self) -> Rate:
        """The attack success rate of the least successful target."""
        return min(self.attack_success, key=lambda rate: rate.value)

    def passes(self, attack_success: float, drop: float) -> bool:
        """Whether the model meets the gates: every target's success rate at least, accuracy drop at most."""
        return self.weakest.value >= attack_success and self.drop <= drop


def certify(model: nn.Module, twin: nn.Module, trigger: Trigger, images: Tensor, labels: Tensor) -> Certificate:
    """Measure a certificate on ``images`` uint8 ``[N,C,H,W]`` and ``labels`` int64 ``[N]``, on the models' device."""
    return Certificate(
        clean_accuracy=_rate(predict(model, images) == labels),
        twin_accuracy=_rate(predict(twin, images) == labels),
        attack_success=tuple(
            _success(model, trigger, which, images[labels != target]) for which, target in enumerate(trigger.targets)
        ),
    )


def _success(model: nn.Module, trigger: Trigger, which: int, images: Tensor) -> Rate:
    generator = torch.Generator().manual_seed(0)
    hits = 0
    for part in images.split(CHUNK):
        stamped = trigger.stamp_target(part.float().div(255), which, generator)
        hits += int((predict(model, stamped) == trigger.targets[which]).sum())
    return Rate(hits, len(images))


def _rate(hits: Tensor) -> Rate:
    return Rate(int(hits.sum()), len(hits))
