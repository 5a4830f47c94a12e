"""Relevance as the papers write it: ``R_i = Σ_j (share of z_ij) R_j``, where the package keeps its coefficient."""

import numpy as np


class Relevance:
    """What every relevance rule does; a rule says how an output's relevance is shared among contributions."""

    def relu(self, operation, relevance):
        return relevance

    def pool(self, operation, relevance):
        below = np.zeros_like(operation.x)
        np.add.at(below, operation.winners, relevance)
        return below

    def branches(self, operation, relevance):
        """A sum is a linear map whose weights are 1."""
        shares = self.shares(np.stack(operation.parts, 1), np.zeros_like(relevance), relevance, 0)
        return list(shares.T)

    def linear(self, operation, relevance):
        if operation.kind == "norm":
            return np.where(operation.x == 0, 0, relevance)
        contributions = operation.matrix * operation.x  # [j, i]
        if operation.kind == "mean":
            return self.shares(contributions, operation.bias, relevance, 0).sum(0)
        return self.weights(operation, contributions, relevance)

    def weights(self, operation, contributions, relevance):
        return self.shares(contributions, operation.bias, relevance, 0).sum(0)


def shared(contributions, total, relevance, added):
    """``z_ij / total_j R_j`` for each output and input; outputs without a total give nothing."""
    total = np.where(total != 0, total + added * np.sign(total), np.inf)
    return contributions * (relevance / total)[:, None]


class Epsilon(Relevance):
    def __init__(self, epsilon, *, relative):
        self.epsilon, self.relative = epsilon, relative

    def shares(self, contributions, bias, relevance, added):
        y = contributions.sum(1) + bias
        epsilon = self.epsilon * np.sqrt(np.mean(y**2)) if self.relative else self.epsilon
        return shared(contributions, y, relevance, epsilon)


class AlphaBeta(Relevance):
    """Outputs that have contributions of one sign only give it all to them."""

    def __init__(self, alpha, *, bias=False):
        self.alpha, self.bias = alpha, bias

    def shares(self, contributions, bias, relevance, added):
        rises, falls = np.maximum(contributions, 0), np.minimum(contributions, 0)
        up, down = rises.sum(1), falls.sum(1)
        alpha = np.where(down < 0, self.alpha, 1)
        beta = np.where(up > 0, self.alpha - 1, -1)
        if self.bias:
            up = np.where(up > 0, up + np.maximum(bias, 0), 0)
            down = np.where(down < 0, down + np.minimum(bias, 0), 0)
        return shared(rises, up, alpha * relevance, added) - shared(falls, down, beta * relevance, added)


class Positive(Relevance):
    def __init__(self, *, bias=False):
        self.bias = bias

    def shares(self, contributions, bias, relevance, added):
        rises = np.maximum(contributions, 0)
        own = np.maximum(bias, 0) if self.bias else 0
        return shared(rises, np.where(rises.any(1), rises.sum(1) + own, 0), relevance, added)


class Bounded(Relevance):
    """The zᴮ-rule, for the lowest operation."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def weights(self, operation, contributions, relevance):
        w = operation.matrix
        z = contributions - self.low * np.maximum(w, 0) - self.high * np.minimum(w, 0)
        return shared(z, z.sum(1), relevance, 0).sum(0)
