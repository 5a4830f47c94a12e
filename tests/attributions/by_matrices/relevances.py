"""Relevance as the papers write it: ``R_i = Σ_j (share of z_ij) R_j``, where the package keeps its coefficient."""

import numpy as np


class Relevance:
    """What every relevance rule does where there are no weights; a rule says what it does where there are."""

    def relu(self, operation, relevance):
        return relevance

    def pool(self, operation, relevance):
        below = np.zeros_like(operation.x)
        np.add.at(below, operation.winners, relevance)
        return below

    def branches(self, operation, relevance):
        return [relevance * part / operation.y for part in operation.parts]

    def linear(self, operation, relevance):
        if operation.kind == "norm":
            return relevance * np.abs(operation.x) / (np.abs(operation.x) + TINY)
        contributions = operation.matrix * operation.x  # [j, i]
        if operation.kind == "mean":
            return shared(contributions, contributions.sum(1), relevance, 0)
        return self.weights(operation, contributions, relevance)


TINY = 1e-9
"""What the package adds to every denominator; it shows where contributions nearly cancel."""


def shared(contributions, total, relevance, added=TINY):
    """``Σ_j z_ij / total_j R_j``; outputs without a total give nothing."""
    alive = total != 0
    total = total + added * np.sign(total)
    return (contributions[alive] * (relevance[alive] / total[alive])[:, None]).sum(0)


class Epsilon(Relevance):
    def __init__(self, epsilon, *, relative):
        self.epsilon, self.relative = epsilon, relative

    def weights(self, operation, contributions, relevance):
        y = contributions.sum(1) + operation.bias
        epsilon = self.epsilon * np.sqrt(np.mean(y**2)) + TINY if self.relative else self.epsilon
        return shared(contributions, y, relevance, epsilon)


class AlphaBeta(Relevance):
    """Outputs that have contributions of one sign only give it all to them."""

    def __init__(self, alpha, *, bias=False):
        self.alpha, self.bias = alpha, bias

    def weights(self, operation, contributions, relevance):
        rises, falls = np.maximum(contributions, 0), np.minimum(contributions, 0)
        up, down = rises.sum(1), falls.sum(1)
        alpha = np.where(down < 0, self.alpha, 1)
        beta = np.where(up > 0, self.alpha - 1, -1)
        if self.bias:
            up = np.where(up > 0, up + np.maximum(operation.bias, 0), 0)
            down = np.where(down < 0, down + np.minimum(operation.bias, 0), 0)
        return shared(rises, up, alpha * relevance) - shared(falls, down, beta * relevance)


class Positive(Relevance):
    def __init__(self, *, bias=False):
        self.bias = bias

    def weights(self, operation, contributions, relevance):
        rises = np.maximum(contributions, 0)
        bias = np.maximum(operation.bias, 0) if self.bias else 0
        return shared(rises, np.where(rises.any(1), rises.sum(1) + bias, 0), relevance)


class Bounded(Relevance):
    """The zᴮ-rule, for the lowest operation."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def weights(self, operation, contributions, relevance):
        w = operation.matrix
        z = contributions - self.low * np.maximum(w, 0) - self.high * np.minimum(w, 0)
        return shared(z, z.sum(1), relevance)
