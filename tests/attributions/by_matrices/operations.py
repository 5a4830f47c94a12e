"""What networks are made of, as matrices that are built entry by entry; pictures are flat vectors."""

import functools
import itertools

import numpy as np


class Linear:
    """``y = Mx + b``.

    ``kind`` is "weights", "mean" or "norm"; ``grid`` the channels and the side of the output if it has places, ``same``
    whether it is a convolution that looks around and keeps the side.
    """

    def __init__(self, matrix, bias, kind="weights", grid=None, same=False):
        self.matrix, self.bias, self.kind, self.grid, self.same = matrix, bias, kind, grid, same

    def forward(self, x):
        self.x, self.y = x, self.matrix @ x + self.bias
        return self.y

    def back(self, signal, way):
        return way.linear(self, signal)

    def then(self, other):
        """The one operation that does both; the kind and the places are this one's."""
        bias = other.matrix @ self.bias + other.bias
        return Linear(other.matrix @ self.matrix, bias, self.kind, self.grid, self.same)


class Relu:
    """``y = max(x, 0)``."""

    def forward(self, x):
        self.x, self.y = x, np.where(x > 0, x, 0)
        return self.y

    def back(self, signal, way):
        return way.relu(self, signal)


class MaxPool:
    """2×2 maxima: windows of places, and the first place of each that has the maximum."""

    def __init__(self, channels, side):
        half = side // 2
        self.windows = [
            [(c * side + 2 * i + di) * side + 2 * j + dj for di, dj in itertools.product(range(2), range(2))]
            for c, i, j in itertools.product(range(channels), range(half), range(half))
        ]

    def forward(self, x):
        self.x = x
        self.winners = [max(places, key=lambda place: x[place]) for places in self.windows]
        self.y = x[self.winners]
        return self.y

    def back(self, signal, way):
        return way.pool(self, signal)


class Sum:
    """Ways that start together and are added; one without operations is the identity."""

    def __init__(self, *branches):
        self.branches = branches

    def forward(self, x):
        self.parts = [forward(branch, x) for branch in self.branches]
        self.y = sum(self.parts)
        return self.y

    def back(self, signal, way):
        signals = way.branches(self, signal)
        return sum(back(branch, part, way) for branch, part in zip(self.branches, signals, strict=True))


def forward(operations, x):
    for operation in operations:
        x = operation.forward(x)
    return x


def back(operations, signal, way):
    for operation in reversed(operations):
        signal = operation.back(signal, way)
    return signal


def chained(segments):
    """All operations of some segments, one after another."""
    return list(itertools.chain.from_iterable(segments))


@functools.cache
def entries(module, side):
    """The matrix of a convolution, weight by weight, and the side of its output."""
    weight = module.weight.detach().numpy()
    outputs, inputs, height, width = weight.shape
    (stride, _), (padding, _) = module.stride, module.padding
    out = (side + 2 * padding - height) // stride + 1
    matrix = np.zeros((outputs, out, out, inputs, side, side))
    for y, x, di, dj in itertools.product(*map(range, (out, out, height, width))):
        row, column = stride * y + di - padding, stride * x + dj - padding
        if 0 <= row < side and 0 <= column < side:
            matrix[:, y, x, :, row, column] += weight[:, :, di, dj]
    return matrix.reshape(outputs * out * out, -1), out


def convolution(module, side):
    """A convolution on pictures of a side."""
    matrix, out = entries(module, side)
    outputs = len(module.weight)
    bias = np.zeros(outputs) if module.bias is None else module.bias.detach().numpy()
    same = module.kernel_size[0] > 1 and out == side
    return Linear(matrix, np.repeat(bias, out * out), grid=(outputs, out), same=same)


def normalisation(module, side):
    """Batch normalisation with its running statistics: a diagonal matrix."""
    scale = module.weight.detach().numpy() / np.sqrt(module.running_var.numpy() + module.eps)
    shift = module.bias.detach().numpy() - module.running_mean.numpy() * scale
    diagonal = np.diag(np.repeat(scale, side * side))
    return Linear(diagonal, np.repeat(shift, side * side), "norm", (len(scale), side))


def dense(module):
    return Linear(module.weight.detach().numpy(), module.bias.detach().numpy())


def mean(channels, side):
    matrix = np.kron(np.eye(channels), np.full((1, side * side), 1 / side**2))
    return Linear(matrix, np.zeros(channels), "mean")
