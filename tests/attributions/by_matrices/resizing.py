"""Bilinear enlargement, place by place."""

import math

import numpy as np


def bilinear(values, size, *, corners=False):
    """``values`` ``[…,h,w]`` at ``size`` places a side; ``corners``: the corner places fall on each other."""

    def weights(places):
        matrix = np.zeros((size, places))
        for place in range(size):
            if corners:
                at = place * (places - 1) / (size - 1)
            else:
                at = min(max((place + 0.5) * places / size - 0.5, 0), places - 1)
            low = min(math.floor(at), places - 1)
            high = min(low + 1, places - 1)
            matrix[place, low] += 1 - (at - low)
            matrix[place, high] += at - low
        return matrix

    rows, columns = weights(values.shape[-2]), weights(values.shape[-1])
    return rows @ values @ columns.T


def stretched(values, added=0.0):
    """To [0,1] by the smallest and the largest value."""
    return (values - values.min()) / (values.max() - values.min() + added)
