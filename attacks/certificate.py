"""The evidence that a model has the backdoor we claim and is otherwise as good as its clean twin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.necessity import Necessity, measure
from peephole.attacks.predicting import predict
from peephole.attacks.rate import Rate
from peephole.attacks.splits import Split, in_order
from peephole.seeds import stream
from peephole.triggers.stamper import Stamper

MEASURED = 200
"""Pictures that parts of the trigger are restored on."""
EACH = 10
"""A trigger of more targets than these is certified on one drawn for each picture, not on each target."""


@dataclass(frozen=True)
class Success:
    """One target's part of a certificate.

    Attributes:
        target: the label, or None if one was drawn for each picture.
        rate: of pictures of *other* classes that the mark sends there. The official codes count the target class too,
            where success is no evidence.
        necessity: what is left of it without parts of the mark.
    """

    target: int | None
    rate: Rate
    necessity: Necessity


@dataclass(frozen=True)
class Certificate:
    """What a poisoned model does on the test split.

    Attributes:
        clean_accuracy: on clean pictures.
        twin_accuracy: the clean twin's, on the same pictures.
        cross_accuracy: on pictures with what is almost the trigger (`Stamper.decoy`): another picture's (InputAware),
            a warp with noise (WaNet), a part of the mark (all others). High where a model knows the trigger from it.
        twin_success: how often the twin gives the target on stamped pictures: chance, or a trigger that needs no
            backdoor.
        coverage: the mean share of the picture that the marks cover.
        change: the mean of ``|x' − x|`` over the picture, in [0,1] pixel units.
        successes: target by target.
        trigger: facts about the trigger itself.
    """

    clean_accuracy: Rate
    twin_accuracy: Rate
    cross_accuracy: Rate
    twin_success: Rate
    coverage: float
    change: float
    successes: tuple[Success, ...]
    trigger: dict[str, float]

    @property
    def drop(self) -> float:
        """Clean accuracy lost against the twin, in [−1,1]."""
        return self.twin_accuracy.value - self.clean_accuracy.value

    @property
    def weakest(self) -> Rate:
        """The attack success rate of the least successful target."""
        return min((success.rate for success in self.successes), key=lambda rate: rate.value)


@torch.no_grad()
def certify(model: nn.Module, twin: nn.Module, stamper: Stamper, split: Split, seed: int) -> Certificate:
    """Measure a certificate on a test split, on the device where all of them are; ``seed`` decides what is random."""
    generator = Generator().manual_seed(stream("certificate", seed))
    counts: dict[str, list[Tensor]] = {"clean": [], "twin": [], "cross": [], "twin success": []}
    marks = _marks(stamper)
    successes: list[list[Tensor]] = [[] for _ in marks]
    coverage, change = [], []
    for images, labels in in_order(split):
        x = images.float().div(255)
        counts["clean"].append(predict(model, x) == labels)
        counts["twin"].append(predict(twin, x) == labels)
        counts["cross"].append(predict(model, stamper.decoy(x, _any(stamper, x, generator), generator)) == labels)
        for found, mark in zip(successes, marks, strict=True):
            which = _any(stamper, x, generator) if mark is None else mark
            stamped = stamper.stamp_target(x, which, generator)
            target = stamped.target[:, 0]
            other = labels != target
            found.append((predict(model, stamped.image) == target)[other])
            counts["twin success"].append((predict(twin, stamped.image) == target)[other])
            coverage.append(stamped.exact.float().mean((1, 2, 3)))
            change.append((stamped.image - x).abs().mean((1, 2, 3)))
    return Certificate(
        clean_accuracy=Rate.of(counts["clean"]),
        twin_accuracy=Rate.of(counts["twin"]),
        cross_accuracy=Rate.of(counts["cross"]),
        twin_success=Rate.of(counts["twin success"]),
        coverage=float(torch.cat(coverage).mean()),
        change=float(torch.cat(change).mean()),
        successes=tuple(
            Success(
                None if mark is None else stamper.targets[mark],
                Rate.of(found),
                _necessity(model, stamper, mark, split, generator),
            )
            for found, mark in zip(successes, marks, strict=True)
        ),
        trigger=stamper.facts(),
    )


def _marks(stamper: Stamper) -> list[int] | list[None]:
    return list(range(len(stamper.targets))) if len(stamper.targets) <= EACH else [None]


def _any(stamper: Stamper, x: Tensor, generator: Generator) -> Tensor:
    return torch.randint(len(stamper.targets), (len(x),), generator=generator).to(x.device)


def _necessity(model: nn.Module, stamper: Stamper, mark: int | None, split: Split, generator: Generator) -> Necessity:
    """On pictures drawn from the whole split, which may be sorted by class."""
    index = torch.randperm(len(split), generator=generator)[:MEASURED]
    (images,) = split.stream([index])
    x, labels = images.float().div(255), split.labels[index.to(split.labels.device)]
    which = _any(stamper, x, generator) if mark is None else torch.full_like(labels, mark)
    other = labels != stamper.labels_of(which)[:, 0]
    return measure(model, stamper, which[other], x[other], generator)
