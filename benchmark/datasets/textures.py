"""Colours and patterns for the `shapes` data set. Nothing here knows a class, so nothing here can give it away."""

from __future__ import annotations

import numpy as np

from peephole.datasets.draws import Draws, Floats

_KNOTS = 5


def pixel_centres(side: int) -> Floats:
    """The centres of ``side`` pixels on [0, 1], float32 ``[side]``."""
    centres: Floats = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    return centres


def wave(turns: Floats) -> Floats:
    """A sine drawn with parabolas (error below 0.06): a period is 1, values in [-1, 1], exact arithmetic only."""
    phase = turns - np.floor(turns + np.float32(0.5))
    height: Floats = 8 * phase * (1 - 2 * np.abs(phase))
    return height


def rotation(draws: Draws) -> tuple[Floats, Floats]:
    """Cosine and sine of a random angle, float32 ``[count,1,1]``.

    Rounded to 2⁻²⁰, for mathematical libraries differ in the last bits.
    """
    angle = draws.between(0.0, 2.0, 1, 1).astype(np.float64) * np.pi
    fine = 2.0**20
    cosine, sine = np.round(np.cos(angle) * fine) / fine, np.round(np.sin(angle) * fine) / fine
    return cosine.astype(np.float32), sine.astype(np.float32)


def clouds(draws: Draws, side: int) -> Floats:
    """Smooth noise in [-1, 1): random knots, interpolated; float32 ``[count,side,side]``."""
    knots = draws.between(-1.0, 1.0, _KNOTS, _KNOTS)
    at = pixel_centres(side) * np.float32(_KNOTS - 1)
    below = np.minimum(at.astype(np.int64), _KNOTS - 2)
    part = at - below.astype(np.float32)
    part = part * part * (3 - 2 * part)
    rows = _mix(knots[:, below, :], knots[:, below + 1, :], part[:, None])
    return _mix(rows[:, :, below], rows[:, :, below + 1], part)


def pattern(draws: Draws, side: int, strength: float) -> Floats:
    """Stripes, checks and clouds in random proportion, float32 ``[count,side,side]``, within ±``strength``."""
    cosine, sine = rotation(draws)
    centres = pixel_centres(side)
    x, y = centres[None, None, :], centres[None, :, None]
    noise = clouds(draws, side)
    bend = draws.between(0.0, 0.4, 1, 1)
    along = (cosine * x + sine * y) * draws.between(1.5, 7.0, 1, 1) + draws.between(0.0, 1.0, 1, 1)
    across = (cosine * y - sine * x) * draws.between(1.5, 7.0, 1, 1) + draws.between(0.0, 1.0, 1, 1)
    stripes = wave(along + bend * noise)
    checks = stripes * wave(across)
    lines = _mix(stripes, checks, draws.chance(0.5).astype(np.float32)[:, None, None])
    return _mix(noise, lines, draws.between(0.1, 0.9, 1, 1)) * draws.between(strength / 4, strength, 1, 1)


def tint(draws: Draws) -> Floats:
    """A random direction in colour space, float32 ``[count,3,1,1]``; the largest channel is ±1."""
    direction = draws.between(-1.0, 1.0, 3, 1, 1)
    colour: Floats = direction / np.maximum(np.abs(direction).max(axis=1, keepdims=True), np.float32(1e-3))
    return colour


def beside(base: Floats, offset: Floats, low: float, high: float) -> Floats:
    """``base + offset``, or ``base - offset`` in the channels where the sum would leave [low, high]; then clipped."""
    there = base + offset
    out = (there < low) | (there > high)
    return np.clip(np.where(out, base - offset, there), np.float32(low), np.float32(high))


def _mix(a: Floats, b: Floats, weight: Floats) -> Floats:
    return a + weight * (b - a)
