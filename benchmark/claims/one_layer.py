"""P2's theorems in numbers: a network of one hidden layer, N neurons with weights w_i, input x of d numbers.

Notation: a_i = max(w_i·x, 0); the relevance r_i of a neuron is drawn from a normal distribution of its own, or is a_i.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
PERCENTILE = 90
"""RectGrad's τ, as in P2."""
DRAWN_RATIO = 2**0.5 / np.pi
"""Theorem 2, cosine of drawn over cosine of aligned relevance. See `orthogonal_cosines`."""


def gradient(weights: Values, x: Values, relevance: Values) -> Values:
    """``Σ r_i 1[a_i > 0] w_i`` of networks ``[B,N,d]`` and relevance ``[B,N]``: ``[B,d]``."""
    return _sum(np.where(weights @ x > 0, relevance, 0.0), weights)


def guided(weights: Values, x: Values, relevance: Values) -> Values:
    """``Σ max(r_i, 0) 1[a_i > 0] w_i``, as `gradient`."""
    return _sum(np.where(weights @ x > 0, np.maximum(relevance, 0.0), 0.0), weights)


def rectified(weights: Values, x: Values, relevance: Values) -> Values:
    """``Σ r_i 1[a_i r_i > τ] w_i``, τ the percentile over the neurons of a network; as `gradient`."""
    product = np.maximum(weights @ x, 0.0) * relevance
    threshold = np.percentile(product, PERCENTILE, axis=1, keepdims=True)
    return _sum(np.where(product > threshold, relevance, 0.0), weights)


def zplus(weights: Values, x: Values, relevance: Values) -> Values:
    """``Σ_i 1[x_j w_ij > 0] w_ij a_i r_i⁺ / Σ_k max(x_k w_ik, 0)``, the z⁺-rule's coefficient; as `gradient`.

    Relevance begins positive and the rule keeps it so. It does not tend to x, see `zplus_limit`.
    """
    kept = np.where(weights * x > 0, weights, 0.0)
    total = kept @ x
    share = np.maximum(weights @ x, 0.0) * np.maximum(relevance, 0.0) / np.where(total > 0, total, 1.0)
    return _sum(share, kept)


FILTERS: Mapping[str, Callable[[Values, Values, Values], Values]] = MappingProxyType(
    {"gradient": gradient, "Guided Backprop": guided, "RectGrad": rectified, "z⁺-rule": zplus}
)


def cosine(maps: Values, x: Values) -> Values:
    """Of maps ``[...,d]`` with x ``[d]``; 0 for a map of zeros."""
    size = np.linalg.norm(maps, axis=-1) * np.linalg.norm(x)
    found: Values = np.divide(maps @ x, size, out=np.zeros_like(size), where=size > 0)
    return found


def guided_cosine(neurons: Values, inputs: float) -> Values:
    """Theorem 1 in numbers, for `guided` with normal weights and relevance: ``1/√(1 + π²(d−1)/N)``.

    Let g = w·x/‖x‖. Along x the sum has the mean N E[r⁺] E[g⁺] = N/(2π), for E[g⁺] = 1/√(2π). Across x it has d−1
    components of mean 0 and variance N E[(r⁺)²] P(g > 0) = N/4. The cosine is the first over the root of the sum of
    squares; what the first varies by is left out, as it is of the order of one such component. With weights on a ring g
    is nearly normal if d is not small, and the same follows. Relevance of another distribution has πκ in the place of
    π², with κ = E[(r⁺)²]/E[r⁺]².
    """
    return _limit(neurons, inputs, 1 / (2 * np.pi), 0.25)


def rectified_cosine(neurons: Values, inputs: float) -> Values:
    """The same for `rectified`: 1/√(1 + (d−1) q / (N s²)).

    The product p = g r of two independent normal numbers has the density K₀(|p|)/π, half of it on p > 0 with g > 0. So
    τ solves ∫_τ^∞ K₀(p)/(2π) dp = 1/10; s = E[r g 1] = τ K₁(τ)/(2π); q = E[r² 1] = ∫₀^∞ r² φ(r) P(g > τ/r) dr.
    """
    from scipy.integrate import quad
    from scipy.optimize import brentq
    from scipy.special import k0, k1
    from scipy.stats import norm

    share = 1 - PERCENTILE / 100
    tau = brentq(lambda at: quad(k0, at, np.inf)[0] / (2 * np.pi) - share, 1e-6, 10)
    along = tau * k1(tau) / (2 * np.pi)
    across = quad(lambda r: r**2 * norm.pdf(r) * norm.sf(tau / r), 0, np.inf)[0]
    return _limit(neurons, inputs, along, across)


def zplus_limit(inputs: float) -> float:
    """What the cosine of `zplus` and a normal x tends to as the neurons become many; 0.798 with many inputs, too.

    Shares are nearly proportional to a_i, as the totals differ little. A neuron counts by a_i = ‖x‖ g⁺, and its w_ij is
    normal around g x_j/‖x‖. Hence, to the first order in 1/√d, the map at j is sign(x_j)/√(2π) + √(π/8) x_j/‖x‖. The
    first part is the mean size of the terms that are kept, the same for every j; the second is half of what g shifts
    them by, E[(g⁺)²]/E[g⁺] = √(π/2). The first is no multiple of x but its sign, whose cosine with a normal x is
    √(2/π) = 0.798.
    """
    of_sign, of_x, likeness = (2 * np.pi) ** -0.5, (np.pi / 8 / inputs) ** 0.5, (2 / np.pi) ** 0.5
    return float((of_sign * likeness + of_x) / (of_sign**2 + of_x**2 + 2 * of_sign * of_x * likeness) ** 0.5)


def _limit(neurons: Values, inputs: float, along: float, across: float) -> Values:
    """``N·along`` over the root of its square and ``N (d−1) across``."""
    return 1 / np.sqrt(1 + (inputs - 1) * across / (np.asarray(neurons, dtype=np.float64) * along**2))


def orthogonal_cosine(neurons: Values, inputs: float) -> Values:
    """Theorem 2 in numbers: with orthogonal weights of one length and ``r = a``, ``√(N/(2d))`` for a normal x.

    Then R = Σ a_i w_i, whose cosine with x is ‖a‖/‖x‖ (weights of length 1): half of N squares of the d that x has.
    For any other relevance it is ‖a‖/‖x‖ times the cosine of r⁺1[a > 0] and a, hence never more (Cauchy and Schwarz).
    Where r is drawn, that factor is E[r⁺] E[a | a > 0] / √(E[(r⁺)²] E[a² | a > 0]) = √(2/π) E[r⁺]/√E[(r⁺)²] with many
    neurons: √2/π for a normal r.
    """
    return np.sqrt(np.asarray(neurons, dtype=np.float64) / (2 * inputs))


@dataclass(frozen=True, eq=False)
class Series:
    """Cosines by the number of neurons.

    Attributes:
        neurons: float64 ``[P]``.
        values: float64 ``[P,repetitions]``; of networks that are cut from one draw the mean.
    """

    neurons: Values
    values: Values


def first_theorem(
    inputs: int, most: int, repetitions: int, seed: int, rules: tuple[str, ...], *, ring: bool = False
) -> dict[str, Series]:
    """Cosines of rules with x for N = d, 4 d, 16 d … up to ``most``.

    Each repetition draws x, ``most`` neurons and their relevance, and cuts them into as many networks of N as that is.

    Args:
        inputs: d.
        most: neurons of the largest network; a power of 4 times d.
        repetitions: independent ones.
        seed: same seed, same numbers.
        rules: names in `FILTERS`.
        ring: bring all weight vectors to the length √d.
    """
    counts = [inputs * 4**power for power in range(20) if inputs * 4**power <= most]
    values = {rule: np.empty((len(counts), repetitions)) for rule in rules}
    for repetition in range(repetitions):
        generator = np.random.default_rng([seed, inputs, repetition])
        x, weights, relevance = (generator.standard_normal(size) for size in (inputs, (most, inputs), most))
        if ring:
            weights *= inputs**0.5 / np.linalg.norm(weights, axis=1, keepdims=True)
        for number, count in enumerate(counts):
            shape = most // count, count
            for rule in rules:
                maps = FILTERS[rule](weights.reshape(*shape, inputs), x, relevance.reshape(shape))
                values[rule][number, repetition] = cosine(maps, x).mean()
    return {rule: Series(np.array(counts, dtype=np.float64), values[rule]) for rule in rules}


@dataclass(frozen=True, eq=False)
class Second:
    """Theorem 2: cosines of relevance that equals the activations, and of relevance that is drawn."""

    aligned: Series
    drawn: Series


def second_theorem(
    inputs: int, counts: tuple[int, ...], repetitions: int, seed: int, *, orthogonal: bool = True
) -> Second:
    """With the first N rows of a random rotation, or of a matrix of independent normal numbers.

    Args:
        inputs: d.
        counts: N of each; at most d if orthogonal.
        repetitions: independent ones.
        seed: same seed, same numbers.
        orthogonal: which of the two.
    """
    aligned, drawn = (np.empty((len(counts), repetitions)) for _ in range(2))
    for repetition in range(repetitions):
        generator = np.random.default_rng([seed, inputs, repetition, 2])
        size = inputs if orthogonal else max(counts)
        x, rows, relevance = (generator.standard_normal(shape) for shape in (inputs, (size, inputs), size))
        if orthogonal:
            rotation, triangle = np.linalg.qr(rows)
            rows = rotation * np.sign(np.diag(triangle))  # else not every rotation is as likely
        for number, count in enumerate(counts):
            weights = rows[None, :count]
            activation = np.maximum(weights @ x, 0.0)
            aligned[number, repetition] = cosine(guided(weights, x, activation), x)[0]
            drawn[number, repetition] = cosine(guided(weights, x, relevance[None, :count]), x)[0]
    neurons = np.array(counts, dtype=np.float64)
    return Second(Series(neurons, aligned), Series(neurons, drawn))


def _sum(coefficient: Values, weights: Values) -> Values:
    """``[B,N]`` and ``[B,N,d]`` to ``[B,d]``."""
    found: Values = (coefficient[:, None] @ weights)[:, 0]
    return found
