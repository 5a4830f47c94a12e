"""Curves over exchanged pixels: the area and the heights come from one thing."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from peephole.leaderboard.curve_shapes import Polyline, Steps
from peephole.leaderboard.curve_shares import curve_shares

HEIGHTS = st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def knots_and_heights(draw, to_the_end):
    """One picture's knots, some twice, and heights; the last of equal knots counts."""
    pixels = draw(st.integers(1, 300))
    inner = draw(st.lists(st.integers(0, pixels), max_size=12))
    knots = sorted([0, *inner, *([pixels] if to_the_end else [])])
    return knots, draw(st.lists(HEIGHTS, min_size=len(knots), max_size=len(knots))), pixels


def curve(shape, knots, heights, pixels):
    return shape(torch.tensor([knots]), torch.tensor([heights], dtype=torch.float64), pixels)


@given(knots_and_heights(to_the_end=True))
def test_the_area_of_a_finely_sampled_polyline_is_its_area(drawn):
    made = curve(Polyline, *drawn)
    knots, _, pixels = drawn
    at = torch.tensor(sorted({*(k / pixels for k in knots), *np.linspace(0, 1, 97).tolist()}), dtype=torch.float64)
    # Where a knot stands twice the curve jumps there: it comes to the jump's foot from just below.
    below = torch.nextafter(at[1:], torch.zeros(1, dtype=torch.float64))
    begin, end = made.at(at[:-1])[0], made.at(below)[0]
    area = ((begin + end) / 2 * (at[1:] - at[:-1])).sum().item()
    assert area == pytest.approx(made.area.item(), abs=1e-9)


@given(knots_and_heights(to_the_end=False))
def test_the_area_of_a_finely_sampled_staircase_is_its_area(drawn):
    made = curve(Steps, *drawn)
    shares = torch.arange(drawn[2], dtype=torch.float64) / drawn[2]
    assert made.at(shares)[0].mean().item() == pytest.approx(made.area.item(), abs=1e-12)


@given(knots_and_heights(to_the_end=True), st.fractions(0, 1))
def test_heights_are_those_of_exact_arithmetic(drawn, share):
    knots, heights, pixels = drawn
    at = torch.tensor([float(share)], dtype=torch.float64)
    place = max(place for place, knot in enumerate(knots) if Fraction(knot, pixels) <= share)
    assert curve(Steps, *drawn).at(at).item() == heights[place]
    expected = heights[place]
    if place + 1 < len(knots):
        begin, end = (Fraction(knots[p], pixels) for p in (place, place + 1))
        expected += (heights[place + 1] - expected) * float((share - begin) / (end - begin))
    assert curve(Polyline, *drawn).at(at).item() == pytest.approx(expected, abs=1e-12)


def test_pictures_do_not_mix():
    knots = torch.tensor([[0, 2, 8], [0, 7, 8]])
    heights = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    at = torch.tensor([0.0, 0.125, 0.25, 0.875, 1.0], dtype=torch.float64)
    assert Steps(knots, heights, 8).at(at).tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert Polyline(knots, heights, 8).at(at)[0].tolist() == [0, 0.5, 1, 1, 1]
    assert Steps(knots, heights, 8).area.tolist() == [0.75, 0.875]
    assert Polyline(knots, heights, 8).area.tolist() == [0.875, 0.4375]


def test_shares_begin_at_nothing_end_at_all_and_are_dense_where_few_pixels_are_out():
    shares = curve_shares()
    assert (len(shares), shares[0], shares[-1]) == (25, 0, 1)
    gaps = [high - low for low, high in pairwise(shares)]
    assert gaps == sorted(gaps)
    assert shares.tolist() == [float(Fraction(i * i, 576)) for i in range(25)]
