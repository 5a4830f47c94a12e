"""How a block of `shapes` pictures is drawn: ground, strokes behind, the object, a stroke in front, light, grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.datasets.draws import Draws, Floats
from peephole.datasets.figures import FIGURES, REACH
from peephole.datasets.textures import beside, clouds, pattern, pixel_centres, rotation, tint

# Positions of the four samples of a pixel, in pixels from its centre.
_SAMPLES = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))

# No object comes closer to the edge of the picture.
_MARGIN = 0.03

# Colours stay in here, so that textures on them are seen.
_RANGE = (0.06, 0.94)


@dataclass(frozen=True)
class Difficulty:
    """What decides how hard the pictures are; lengths in sides of the picture, colours in [0,1].

    Attributes:
        radius: smallest and largest radius of the circle that has the object's area.
        stretch: the object is up to this factor longer than wide, in a random direction.
        contrast: smallest and largest distance of object and ground in the colour channel that differs most.
        swing: how far a texture may swing about its colour.
        grain: smallest and largest standard deviation of the pixel noise.
        clutter: probability of each of two strokes behind the object.
        hidden: probability of a stroke across the object.
    """

    radius: tuple[float, float] = (0.19, 0.25)
    stretch: float = 1.15
    contrast: tuple[float, float] = (0.38, 0.75)
    swing: float = 0.25
    grain: tuple[float, float] = (0.01, 0.03)
    clutter: float = 0.2
    hidden: float = 0.12


DIFFICULTY = Difficulty()


@dataclass(frozen=True)
class Place:
    """Where the objects are; everything float32 ``[count,1,1]``.

    Attributes:
        x, y: the centre.
        radius: that of the circle of the same area.
        pull: cosine and sine of the direction in which the object is stretched.
        turn: cosine and sine of its own direction.
        longer: the square root of how much longer than wide the stretch makes it.
    """

    x: Floats
    y: Floats
    radius: Floats
    pull: tuple[Floats, Floats]
    turn: tuple[Floats, Floats]
    longer: Floats


def draw_block(
    labels: NDArray[np.int64], draws: Draws, side: int, difficulty: Difficulty
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw one picture for each label.

    The label is used in one place only, to choose the outline. Pixel values lie in [5, 250]: pure white and pure black
    belong to the triggers.

    Returns:
        Pictures uint8 ``[N,3,side,side]`` and masks bool ``[N,side,side]``: the object where it is not covered.
    """
    place = _place(draws, difficulty)
    ground = draws.between(0.12, 0.62, 3, 1, 1)
    contrast = draws.between(*difficulty.contrast, 1, 1, 1) * tint(draws)
    picture: Floats = ground + _texture(draws, side, difficulty)
    for _ in range(2):
        behind = _stroke(draws, side, _anywhere(draws), width=(0.02, 0.08)) * _sometimes(draws, difficulty.clutter)
        picture = _over(picture, _near(draws, ground), behind)
    inside = _object_cover(labels, place, side)
    picture = _over(picture, beside(ground, contrast, *_RANGE) + _texture(draws, side, difficulty), inside)
    front = _stroke(draws, side, _across(draws, place), width=(0.02, 0.05)) * _sometimes(draws, difficulty.hidden)
    picture = _over(picture, _near(draws, ground), front)
    light = 1 + draws.between(0.0, 0.25, 1, 1) * clouds(draws, side)
    grain = draws.between(*difficulty.grain, 1, 1, 1) * draws.grain(3, side, side)
    levels = np.rint((picture * light[:, None] + grain) * np.float32(255))
    return np.clip(levels, 5, 250).astype(np.uint8), inside * (1 - front) >= 0.5


def _place(draws: Draws, difficulty: Difficulty) -> Place:
    """Any place that leaves the whole figure inside the picture, whichever figure it is."""
    longest = difficulty.stretch**0.5
    radius = draws.between(*difficulty.radius, 1, 1)
    room = 1 - 2 * (np.float32(_MARGIN) + np.float32(REACH * longest) * radius)
    x = np.float32(0.5) + room * draws.between(-0.5, 0.5, 1, 1)
    y = np.float32(0.5) + room * draws.between(-0.5, 0.5, 1, 1)
    return Place(x, y, radius, rotation(draws), rotation(draws), draws.between(1.0, longest, 1, 1))


def _object_cover(labels: NDArray[np.int64], place: Place, side: int) -> Floats:
    """How much of each pixel the object covers, float32 ``[N,side,side]`` in [0,1]: the mean of four soft samples."""
    cover = np.zeros((len(labels), side, side), np.float32)
    for label, (figure, size) in enumerate(FIGURES.values()):
        of = np.flatnonzero(labels == label)
        unit = np.float32(size) * place.radius[of]
        for dx, dy in _SAMPLES:
            x, y = _grid(side, place.x[of], place.y[of], dx, dy)
            x, y = _turned(x, y, place.pull[0][of], place.pull[1][of])
            x, y = x / (place.longer[of] * unit), y * (place.longer[of] / unit)
            distance = figure(*_turned(x, y, place.turn[0][of], place.turn[1][of])) * unit
            cover[of] += _covered(distance * np.float32(2 * side))
    return cover * np.float32(0.25)


def _stroke(draws: Draws, side: int, at: tuple[Floats, Floats], width: tuple[float, float]) -> Floats:
    """How much of each pixel a straight stroke with round ends covers, float32 ``[count,side,side]``."""
    x, y = _turned(*_grid(side, *at), *rotation(draws))
    beyond = np.maximum(np.abs(x) - draws.between(0.02, 0.3, 1, 1), 0)
    distance = np.sqrt(beyond * beyond + y * y) - draws.between(*width, 1, 1)
    return _covered(distance * np.float32(side))


def _covered(distance: Floats) -> Floats:
    """How much of a sample is covered if the edge is ``distance`` sample widths away."""
    share: Floats = np.clip(np.float32(0.5) - distance, 0, 1)
    return share


def _anywhere(draws: Draws) -> tuple[Floats, Floats]:
    return draws.between(0.0, 1.0, 1, 1), draws.between(0.0, 1.0, 1, 1)


def _across(draws: Draws, place: Place) -> tuple[Floats, Floats]:
    """A point on the object or close to it."""
    reach = place.radius * np.float32(0.9)
    return place.x + reach * draws.between(-1.0, 1.0, 1, 1), place.y + reach * draws.between(-1.0, 1.0, 1, 1)


def _sometimes(draws: Draws, probability: float) -> Floats:
    return draws.chance(probability).astype(np.float32)[:, None, None]


def _near(draws: Draws, ground: Floats) -> Floats:
    """A colour as far from the background's as objects are."""
    return beside(ground, draws.between(0.15, 0.5, 1, 1, 1) * tint(draws), *_RANGE)


def _texture(draws: Draws, side: int, difficulty: Difficulty) -> Floats:
    """A pattern that swings along a random direction of colour space, float32 ``[count,3,side,side]``."""
    return pattern(draws, side, difficulty.swing)[:, None] * tint(draws)


def _over(picture: Floats, paint: Floats, cover: Floats) -> Floats:
    return picture + cover[:, None] * (paint - picture)


def _grid(side: int, x: Floats, y: Floats, dx: float = 0.0, dy: float = 0.0) -> tuple[Floats, Floats]:
    """Pixel centres relative to (x, y), shifted by a part of a pixel: ``[N,1,side]`` and ``[N,side,1]``."""
    centres = pixel_centres(side)
    return centres[None, None, :] + np.float32(dx / side) - x, centres[None, :, None] + np.float32(dy / side) - y


def _turned(x: Floats, y: Floats, cosine: Floats, sine: Floats) -> tuple[Floats, Floats]:
    return cosine * x + sine * y, cosine * y - sine * x
