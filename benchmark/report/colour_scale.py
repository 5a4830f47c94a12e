"""The colours of signed maps, the same for every map of a report.

A map has no unit of its own, so that it is measured in times its own mean magnitude, R / mean|R|: a map that spreads
evenly over the picture is pale all over, and one that gathers on a few pixels is pale but for these. An inverse
hyperbolic sine, straight around zero and logarithmic far from it, shows both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peephole.report.picture import write_if_stale

LIMIT = 30.0
"""Times its mean magnitude that a map shows; what is beyond has the last colour."""
TICKS = (-30.0, -10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0, 30.0)
COLOURS = 255
"""An odd number, so that zero has a colour to itself."""
BAR = (COLOURS, 12)
"""Width and height of the colour bar."""
VERSION = "1"
"""Raised when the same bar is drawn otherwise."""


def in_times_mean(relevance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps ``[Q,H,W]`` divided by the mean magnitude of each; zeros stay zeros."""
    largest = np.abs(relevance).max(axis=(1, 2), keepdims=True)
    scaled = relevance / np.where(largest > 0, largest, 1.0)  # no mean of these is too small to divide by
    mean = np.abs(scaled).mean(axis=(1, 2), keepdims=True)
    times: NDArray[np.float64] = scaled / np.where(mean > 0, mean, 1.0)
    return times


def fractions(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where on the scale values in times the mean magnitude lie: 0 at −`LIMIT` and below, 1/2 at 0, 1 at `LIMIT`."""
    place: NDArray[np.float64] = 0.5 + np.arcsinh(np.clip(times, -LIMIT, LIMIT)) / (2 * np.arcsinh(LIMIT))
    return place


def ticks() -> tuple[tuple[float, str], ...]:
    """Where on the colour bar each of `TICKS` lies, 0 being its left end and 1 its right, and what it says."""
    texts = (f"{tick:g}".replace("-", "−") for tick in TICKS)
    return tuple(zip(fractions(np.array(TICKS)).tolist(), texts, strict=True))


def colour_numbers(times: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The number of the colour in the `palette` of values in times the mean magnitude, of the same shape."""
    return np.rint((COLOURS - 1) * fractions(times)).astype(np.uint8)


def coloured(relevance: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map ``[H,W]`` as colours ``[H,W,3]`` in [0,1]."""
    colours: NDArray[np.float64] = np.reshape(palette(), (COLOURS, 3)) / 255
    return colours[colour_numbers(in_times_mean(relevance[None])[0])]


@cache
def palette() -> tuple[int, ...]:
    """Red, green and blue of each of the `COLOURS`, from blue (against the label) over near white to red (for it).

    `vik` of Crameri's scientific colour maps: perceptually uniform, and told apart by those who see no red or green.
    """
    return tuple(channel for colour in _colours() for channel in colour)


def _colours() -> Iterator[tuple[int, int, int]]:
    from cmcrameri import cm  # takes a second to import

    for red, green, blue, _ in cm.vik(np.linspace(0, 1, COLOURS)):
        yield round(255 * red), round(255 * green), round(255 * blue)


def draw_scale(path: Path) -> None:
    """Write the colour bar, as wide as there are colours, unless it is there."""
    write_if_stale(path, VERSION, partial(np.tile, np.arange(COLOURS, dtype=np.uint8), (BAR[1], 1)), palette)
