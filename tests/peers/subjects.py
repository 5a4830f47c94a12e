"""The networks and pictures on which our maps are compared with those of other libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torchvision
from torch import Tensor, nn

from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.adapters.zennit import Summed
from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.graph import canonicalise
from peephole.attributions.operations import Add
from peephole.attributions.question import Question

NORMALISE = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, eq=False)
class Subject:
    """A network's canonical graph, two pictures ``[2,3,H,W]`` and a label for each."""

    model: Canonical
    x: Tensor
    target: Tensor

    @cached_property
    def question(self) -> Question:
        """All layers at once, so that our rules share their passes."""
        return Question(self.model, self.x, self.target, self.model.layers)

    @cached_property
    def activations(self) -> Mapping[str, Tensor]:
        """The tensor at each layer."""
        with torch.no_grad():
            kept: dict[str, Tensor] = self.model.run(self.x, keep=self.model.layers)[1]
        return kept

    @cached_property
    def logit(self) -> Tensor:
        """Each picture's logit of its label, ``[2]``."""
        return self.logit_of(self.model(self.x))

    def logit_of(self, logits: Tensor) -> Tensor:
        """The labels' logits among those of both pictures."""
        return logits.gather(1, self.target[:, None])[:, 0]

    @cached_property
    def for_zennit(self) -> Canonical:
        """The network above the normalisation as Zennit needs it: its own sums, and no batch normalisation."""
        from zennit.layer import Sum

        return in_sequence(
            fold_batch_norm(self.model).above("input"),
            lambda module: Summed(Sum) if isinstance(module, Add) else module,
        )


def resnet18(dtype: torch.dtype) -> Subject:
    """torchvision's ResNet-18 with random weights and statistics, 64×64: shared in-place ReLUs, sums, a max-pool."""
    return _subject(lambda: torchvision.models.resnet18(weights=None), 64, dtype)


def vgg(dtype: torch.dtype) -> Subject:
    """Convolutions and max-pools as in VGG, 32×32: two pools that follow a ReLU and one that does not."""

    def make() -> nn.Module:
        stem = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        body = (nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1))
        top = (nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        return nn.Sequential(*stem, *body, *top, nn.Flatten(), nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 5))

    return _subject(make, 32, dtype)


SUBJECTS: Mapping[str, Callable[[torch.dtype], Subject]] = {"resnet18": resnet18, "vgg": vgg}


def _subject(make: Callable[[], nn.Module], side: int, dtype: torch.dtype) -> Subject:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)  # the logits differ, whatever the depth
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.3, 0.3)
                nn.init.uniform_(module.running_mean, -0.3, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        x = torch.rand(2, 3, side, side)
    model = canonicalise(Classifier(Normalise(*NORMALISE), network).to(dtype), (3, side, side))
    return Subject(model, x.to(dtype), torch.tensor([3, model.shapes[model.cuts[-1]][0] - 1]))
