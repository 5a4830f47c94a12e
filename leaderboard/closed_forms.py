"""What each metric gives maps of which all is known. A metric that is added is added here too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from peephole.leaderboard.known_probes import BOX, MARK, NEEDED, PIXELS

INVALID: Literal["invalid"] = "invalid"
"""The map is invalid and scores chance."""
OPEN: Literal["no closed form"] = "no closed form"


@dataclass(frozen=True)
class Mean:
    """The expected score where chance has a part in it, as in the order of equal pixels: that of the mean picture."""

    value: float


Known = float | Mean | Literal["invalid", "no closed form"]


@dataclass(frozen=True)
class ClosedForms:
    """Scores of the maps in `peephole.leaderboard.known_probes.CASES` on `ring_probes`, with a mask unless the metric
    asks for a soft truth. Metrics that compare get the same map from all other networks.

    Attributes:
        oracle: for the truth.
        anti_oracle: for 1 minus the truth.
        constant: for 1 everywhere.
        balanced: for 1 on half of the pixels of each kind: a map that knows nothing.
        signed: for the truth with -1 where it is 0: has negative relevance a say?
        chance: the chance level.
        reads_signs: whether negative relevance counts for something else than none.
    """

    oracle: Known
    anti_oracle: Known
    constant: Known
    balanced: Known
    signed: Known
    chance: Known
    reads_signs: bool = False


SHARE, BOX_SHARE = MARK / PIXELS, BOX / PIXELS

# Where in an order of all pixels the mark loses its hold on the network, and where half of it is reached.
LOST, REACHED = MARK - NEEDED + 1, NEEDED
_LAST = PIXELS - MARK
_AT_RANDOM = (PIXELS + 1) / (MARK + 1)
"""The expected place of the first of `MARK` pixels in a random order; that of the k-th is k times it."""
_HALF = (PIXELS / 2 + 1) / (MARK / 2 + 1)
"""The same for a half of both."""


def _changed(place: float) -> float:
    """The area under a step from 0 to 1 at a place, by trapezoids from pixel to pixel."""
    return 1 - (place - 0.5) / PIXELS


def _expected_precision() -> float:
    """Average precision of a random order: place by place, the place being in the mark and others before it."""
    places = range(1, PIXELS + 1)
    return sum(SHARE * (1 + (place - 1) * (MARK - 1) / (PIXELS - 1)) / place for place in places) / MARK


_STAMP, _REST = 2.0, -1.0  # the ring and all else as the network gets them, in each of three channels
_LENGTH = sqrt(MARK * _STAMP**2 + (PIXELS - MARK) * _REST**2)


def _cosine(ring: float, rest: float, share: float = 1.0) -> float:
    """Of a map with these values on a share of the ring's pixels, and on the same share of all others."""
    product = share * (MARK * ring * _STAMP + (PIXELS - MARK) * rest * _REST)
    return product / (sqrt(share * (MARK * ring**2 + (PIXELS - MARK) * rest**2)) * _LENGTH)


_MASS = ClosedForms(oracle=1, anti_oracle=0, constant=SHARE, balanced=SHARE, signed=1, chance=SHARE)
_UNASKED = ClosedForms(oracle=1, anti_oracle=1, constant=INVALID, balanced=1, signed=1, chance=1, reads_signs=True)
_RANDOM_LOSS = Mean(_changed(LOST * _AT_RANDOM))
_BALANCED_LOSS = Mean(_changed(PIXELS / 2 + (LOST - MARK / 2) * _HALF))

CLOSED_FORMS: Mapping[str, ClosedForms] = {
    "class_sensitivity": _MASS,
    "fine_grained": _MASS,
    "ebpg": ClosedForms(
        oracle=1,
        anti_oracle=(BOX - MARK) / (PIXELS - MARK),
        constant=BOX_SHARE,
        balanced=BOX_SHARE,
        signed=1,
        chance=BOX_SHARE,
    ),
    "completeness": ClosedForms(
        oracle=1, anti_oracle=0, constant=1, balanced=0.5, signed=1, chance=(MARK + 1) / (2 * MARK)
    ),
    "truth_auprc": ClosedForms(
        oracle=1, anti_oracle=SHARE, constant=SHARE, balanced=SHARE, signed=1, chance=_expected_precision()
    ),
    "truth_spearman": ClosedForms(oracle=1, anti_oracle=-1, constant=INVALID, balanced=0, signed=1, chance=0),
    "twin_difference": ClosedForms(oracle=0, anti_oracle=0, constant=0, balanced=0, signed=0, chance=0),
    "sanity_top_down": _UNASKED,
    "sanity_bottom_up": _UNASKED,
    "sanity_independent": _UNASKED,
    "morf": ClosedForms(
        oracle=_changed(LOST),
        anti_oracle=_changed(_LAST + LOST),
        constant=_RANDOM_LOSS,
        balanced=_BALANCED_LOSS,
        signed=_changed(LOST),
        chance=_RANDOM_LOSS,
    ),
    "lerf": ClosedForms(
        oracle=_changed(_LAST + LOST),
        anti_oracle=_changed(LOST),
        constant=_RANDOM_LOSS,
        balanced=_BALANCED_LOSS,
        signed=_changed(_LAST + LOST),
        chance=_RANDOM_LOSS,
    ),
    "morf_minus_lerf": ClosedForms(
        oracle=_LAST / PIXELS,
        anti_oracle=-_LAST / PIXELS,
        constant=Mean(0),
        balanced=Mean(0),
        signed=_LAST / PIXELS,
        chance=Mean(0),
    ),
    "restore": ClosedForms(
        oracle=LOST / PIXELS,
        anti_oracle=(_LAST + LOST) / PIXELS,
        constant=Mean(LOST * _AT_RANDOM / PIXELS),
        balanced=Mean(0.5 + (LOST - MARK / 2) * _HALF / PIXELS),
        signed=LOST / PIXELS,
        chance=Mean(LOST * _AT_RANDOM / PIXELS),
    ),
    "insert": ClosedForms(
        oracle=1 - REACHED / PIXELS,
        anti_oracle=1 - (_LAST + REACHED) / PIXELS,
        constant=Mean(1 - REACHED * _AT_RANDOM / PIXELS),
        balanced=Mean(1 - REACHED * _HALF / PIXELS),
        signed=1 - REACHED / PIXELS,
        chance=Mean(1 - REACHED * _AT_RANDOM / PIXELS),
    ),
    # All but the ring becomes white, or half of everything.
    "kis": ClosedForms(
        oracle=1,
        anti_oracle=1 - (PIXELS - 2 * MARK) / MARK,
        constant=INVALID,
        balanced=1 - (PIXELS / 2 - MARK) / MARK,
        signed=1,
        chance=OPEN,
        reads_signs=True,
    ),
    # The ring alone, without it (so that the label changes, whose row is zero), or half of it.
    "insertion": ClosedForms(
        oracle=1, anti_oracle=0, constant=INVALID, balanced=0.5, signed=1, chance=OPEN, reads_signs=True
    ),
    "insertion_abs": ClosedForms(
        oracle=1, anti_oracle=0, constant=INVALID, balanced=0.5, signed=INVALID, chance=OPEN, reads_signs=True
    ),
    "input_alignment": ClosedForms(
        oracle=_cosine(1, 0),
        anti_oracle=_cosine(0, 1),
        constant=_cosine(1, 1),
        balanced=_cosine(1, 1, 0.5),
        signed=_cosine(1, -1),
        chance=sqrt(3) / 2 * (1 + 1 / (20 * PIXELS)) * _cosine(1, 1),
        reads_signs=True,
    ),
}
