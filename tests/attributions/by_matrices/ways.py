"""What goes back at each operation. The signal is what the chain rule would hand on, unless a class says otherwise."""

import numpy as np

from .operations import back


class Plain:
    """The chain rule."""

    def linear(self, operation, r):
        return operation.matrix.T @ r

    def relu(self, operation, r):
        return np.where(operation.y > 0, r, 0)

    def pool(self, operation, r):
        below = np.zeros_like(operation.x)
        np.add.at(below, operation.winners, r)
        return below

    def branches(self, operation, r):
        return [r for _ in operation.branches]


class Guided(Plain):
    def relu(self, operation, r):
        return np.array([value if value > 0 and y > 0 else 0 for value, y in zip(r, operation.y, strict=True)])


class Deconv(Plain):
    def relu(self, operation, r):
        return np.array([max(value, 0) for value in r])


class Activation(Plain):
    def relu(self, operation, r):
        return operation.y


class Rect(Plain):
    """RectGrad: what is worth more than the percentile of the picture's worths passes a ReLU."""

    def __init__(self, percentile=90, padding=False, proportional=False):
        self.percentile, self.padding, self.proportional = percentile, padding, proportional

    def relu(self, operation, r):
        worth = operation.y * r
        threshold = sorted(worth)[round(self.percentile / 100 * (len(worth) - 1))]
        return np.where((worth > threshold) & (operation.y > 0), r, 0)

    def linear(self, operation, r):
        if self.padding and operation.same:
            channels, side = operation.grid
            inner = np.zeros((side, side))
            inner[1:-1, 1:-1] = 1
            r = (r.reshape(channels, side, side) * inner).reshape(-1)
        return super().linear(operation, r)

    def pool(self, operation, r):
        if not self.proportional:
            return super().pool(operation, r)
        below = np.zeros_like(operation.x)
        for places, y, signal in zip(operation.windows, operation.y, r, strict=True):
            whole = operation.x[places].sum()
            if whole > 0:  # relevance is x·r: place i gets x_i / whole of y·r
                below[places] += y * signal / whole
        return below


def signals(segments, start, *ways):
    """What arrives at each layer, lowest first. Ways are for the segments in order; one is for all."""
    found = []
    for segment, way in zip(reversed(segments), reversed(ways * (len(segments) // len(ways))), strict=True):
        start = back(segment, start, way)
        found.insert(0, start)
    return found
