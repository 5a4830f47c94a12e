"""The networks and pictures on which our maps are compared with those of other libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import timm
import torch
import torchvision
from spelt_out import spelt_out
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
    """A network's canonical graph, two pictures ``[2,3,H,W]`` and a label for each.

    Attributes:
        stock: the network as its author wrote it; takes normalised pictures.
    """

    model: Canonical
    x: Tensor
    target: Tensor
    stock: nn.Module

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

    @cached_property
    def spelt_out(self) -> Canonical:
        """The same with every sum and every global average as the convolution that it is."""
        return spelt_out(fold_batch_norm(self.model).above("input"))

    @property
    def stock_layers(self) -> Sequence[str]:
        """The layers that are the output of a module of the stock network."""
        modules = dict(self.stock.named_modules())
        return [layer for layer in self.model.layers if layer in modules]


def resnet18(dtype: torch.dtype) -> Subject:
    """torchvision's ResNet-18 with random weights and statistics, 64×64: shared in-place ReLUs, sums, a max-pool."""
    return _subject(lambda: torchvision.models.resnet18(weights=None), (64, 64), dtype)


def vgg(dtype: torch.dtype) -> Subject:
    """Convolutions and max-pools as in VGG, 32×32: two pools that follow a ReLU and one that does not."""

    def make() -> nn.Module:
        stem = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        body = (nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1))
        top = (nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        return nn.Sequential(*stem, *body, *top, nn.Flatten(), nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 5))

    return _subject(make, (32, 32), dtype)


class PreActivated(nn.Module):
    """Two residual blocks that begin with a normalisation, which no convolution comes before; one is a difference."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)),
                *(nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)),
            )
            for _ in range(2)
        )
        self.top = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = self.stem(x)
        x = x + self.blocks[0](x)
        return self.top(x - 0.5 * self.blocks[1](x))


def preactivated(dtype: torch.dtype) -> Subject:
    """Batch normalisation before ReLUs that no convolution can take in, 16×16."""
    return _subject(PreActivated, (16, 16), dtype)


def activations(dtype: torch.dtype) -> Subject:
    """Activations that are no ReLUs, and a normalisation behind one of them, 16×16."""

    def make() -> nn.Module:
        lower = (nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1), nn.GELU())
        upper = (nn.Conv2d(8, 8, 3, 2, padding=1), nn.ReLU6(), nn.Conv2d(8, 8, 3, padding=1), nn.LeakyReLU(0.1))
        return nn.Sequential(*lower, *upper, nn.Flatten(), nn.Linear(512, 5))

    return _subject(make, (16, 16), dtype)


def normalised_relu(dtype: torch.dtype) -> Subject:
    """A normalisation behind a ReLU, which shifts zeros, 16×16."""

    def make() -> nn.Module:
        lower = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1))
        return nn.Sequential(*lower, nn.ReLU(), nn.Flatten(), nn.Linear(2048, 5))

    return _subject(make, (16, 16), dtype)


def sequence(dtype: torch.dtype) -> Subject:
    """One-dimensional convolutions and a max-pool over the places of a picture of 8×8, one row after the other."""

    def make() -> nn.Module:
        lower = (nn.Flatten(2), nn.Conv1d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv1d(6, 8, 3, padding=1))
        upper = (nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5))
        return nn.Sequential(*lower, *upper)

    return _subject(make, (8, 8), dtype)


def timm_vit(dtype: torch.dtype) -> Subject:
    """The smallest vision transformer of timm with three blocks, 64×96: a class token and 4×6 others."""
    options = {"img_size": (64, 96), "depth": 3, "num_classes": 10}
    return _subject(lambda: timm.create_model("vit_tiny_patch16_224", pretrained=False, **options), (64, 96), dtype)


def torchvision_vit(dtype: torch.dtype) -> Subject:
    """A small one of torchvision's vision transformers, 64×64: a class token and 4×4 others."""
    kind = torchvision.models.VisionTransformer
    return _subject(lambda: kind(64, 16, 3, 3, 48, 96, num_classes=10), (64, 64), dtype)


def swin(dtype: torch.dtype) -> Subject:
    """A small one of torchvision's Swin transformers, 64×96: channels stand last, windows are shifted."""
    kind = torchvision.models.SwinTransformer
    return _subject(lambda: kind([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10), (64, 96), dtype)


SUBJECTS: Mapping[str, Callable[[torch.dtype], Subject]] = {
    "resnet18": resnet18,
    "vgg": vgg,
    "preactivated": preactivated,
    "activations": activations,
    "normalised_relu": normalised_relu,
    "sequence": sequence,
    "timm_vit": timm_vit,
    "torchvision_vit": torchvision_vit,
    "swin": swin,
}


def _subject(make: Callable[[], nn.Module], size: tuple[int, int], dtype: torch.dtype) -> Subject:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make().eval()
        for module in network.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)  # the logits differ, whatever the depth
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.3, 0.3)
                nn.init.uniform_(module.running_mean, -0.3, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        x = torch.rand(2, 3, *size)
    model = canonicalise(Classifier(Normalise(*NORMALISE), network).to(dtype), (3, *size))
    return Subject(model, x.to(dtype), torch.tensor([3, model.shapes[model.cuts[-1]][0] - 1]), network)
