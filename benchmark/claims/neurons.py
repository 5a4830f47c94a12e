"""How alike the weights of a layer's neurons are, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from peephole.attributions.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Neurons:
    """What is known of the neurons of each convolution and linear layer of a network.

    Attributes:
        layers: names of the modules, in the order in which they run.
        sizes: int64 ``[L]``, how many weights a neuron has.
        cosine: float64 ``[L]``, mean |cosine| of two neurons' weights.
        variation: float64 ``[L]``, standard deviation over mean of the lengths of the neurons' weights.
    """

    layers: tuple[str, ...]
    sizes: NDArray[np.int64]
    cosine: NDArray[np.float64]
    variation: NDArray[np.float64]


def neurons_of(network: Classifier, side: int) -> Neurons:
    """Of a network, with batch normalisation folded into the weights before it, since signals pass through both.

    Layers of a single neuron are left out: there is nothing to compare.

    Args:
        network: in eval mode.
        side: of its pictures.
    """
    from torch import nn

    from peephole.attributions.folding import fold_batch_norm
    from peephole.attributions.graph import canonicalise

    graph = fold_batch_norm(canonicalise(network, (len(network.normalise.mean), side, side)))
    found: dict[str, tuple[int, float, float]] = {}
    for site in graph.sites:
        if isinstance(site.module, nn.Conv2d | nn.Linear) and len(site.module.weight) > 1:
            vectors = site.module.weight.detach().flatten(1).double().cpu().numpy()
            found[site.name.removeprefix("network.")] = (vectors.shape[1], *likeness(vectors))
    sizes, cosine, variation = zip(*found.values(), strict=True)
    return Neurons(tuple(found), np.array(sizes), np.array(cosine), np.array(variation))


def likeness(vectors: NDArray[np.float64]) -> tuple[float, float]:
    """Mean |cosine| over all pairs of ``[N,d]``, a vector of zeros at 0 to all, and the variation of the lengths."""
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / np.where(lengths > 0, lengths, 1.0)[:, None]
    cosines = np.abs(units @ units.T)
    count = len(vectors)
    mean = (cosines.sum() - np.trace(cosines)) / (count * (count - 1))
    return float(mean), float(lengths.std() / lengths.mean()) if lengths.any() else 0.0


def cosine_of_independent(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The expected |cosine| of two independent vectors of d numbers, one of them isotropic.

    One coordinate u of a uniform point of the sphere has E|u| = Γ(d/2) / (√π Γ((d+1)/2)), about √(2/(π d)).
    """
    from scipy.special import gammaln

    d = np.asarray(sizes, dtype=np.float64)
    found: NDArray[np.float64] = np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi)
    return found


def variation_of_normal(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standard deviation over mean of the length of d independent normal numbers, about 1/√(2 d).

    The length is χ-distributed: mean √2 Γ((d+1)/2)/Γ(d/2), mean square d.
    """
    from scipy.special import gammaln

    d = np.asarray(sizes, dtype=np.float64)
    mean = np.sqrt(2) * np.exp(gammaln((d + 1) / 2) - gammaln(d / 2))
    found: NDArray[np.float64] = np.sqrt(np.maximum(d - mean**2, 0.0)) / mean
    return found
