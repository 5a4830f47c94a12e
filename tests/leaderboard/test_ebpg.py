"""Energy-based pointing game: boxes, pictures that are left out, closed forms."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.ebpg import Ebpg, bounding_box
from peephole.leaderboard.metrics.fine_grained import FineGrained

Make = Callable[..., Probes]


def slow_box(mask: torch.Tensor) -> torch.Tensor:
    rows, columns = mask.nonzero(as_tuple=True)
    box = torch.zeros_like(mask)
    box[int(rows.min()) : int(rows.max()) + 1, int(columns.min()) : int(columns.max()) + 1] = True
    return box


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.2))
def test_equals_the_slow_form(probes_of: Make, seed: int, share: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand((4, 2, 7, 9), generator=generator) < share
    mask[..., 3, 4] = True
    relevance = torch.randn((4, 2, 7, 9), generator=generator, dtype=torch.float64)
    scored = Ebpg().score(relevance, probes_of(mask))
    for n in range(4):
        boxes = [slow_box(mask[n, t]) for t in range(2)]
        energy = [relevance[n, t].clamp(min=0) for t in range(2)]
        shares = [float(e[b].sum() / e.sum()) for e, b in zip(energy, boxes, strict=True)]
        assert scored.value[n].item() == pytest.approx(sum(shares) / 2, abs=1e-13)
        assert scored.chance[n].item() == pytest.approx(sum(int(b.sum()) for b in boxes) / 126, abs=1e-15)
        assert scored.scored is not None
        assert scored.scored[n].item() == all(2 * int(b.sum()) <= 63 for b in boxes)


def test_the_box_of_a_mask_is_the_smallest(probes_of: Make) -> None:
    mask = torch.zeros((1, 1, 4, 5))
    mask[..., 1, 3] = mask[..., 2, 0] = 1
    expected = torch.zeros((4, 5))
    expected[1:3, :4] = 1
    assert bounding_box(mask)[0, 0].equal(expected)


@pytest.mark.parametrize(("rows", "kept"), [(4, True), (5, False), (8, False)])
def test_a_box_over_more_than_half_of_the_picture_is_left_out(probes_of: Make, rows: int, kept: bool) -> None:
    mask = torch.zeros((2, 1, 8, 8), dtype=torch.bool)
    mask[0, 0, :rows], mask[1, 0, :2] = True, True
    scored = Ebpg().score(mask.float(), probes_of(mask))
    assert scored.scored is not None
    assert scored.scored.tolist() == [kept, True]


def test_one_large_box_among_two_leaves_the_picture_out(probes_of: Make) -> None:
    mask = torch.zeros((1, 2, 6, 6), dtype=torch.bool)
    mask[0, 0, :2, :2], mask[0, 1, 0, 0], mask[0, 1, 5, 5] = True, True, True
    scored = Ebpg().score(mask.float(), probes_of(mask))
    assert scored.scored is not None
    assert scored.scored.tolist() == [False]


def test_says_less_than_the_share_in_a_mask_that_does_not_fill_its_box(probes_of: Make) -> None:
    mask = torch.zeros((1, 1, 10, 10), dtype=torch.bool)
    mask[0, 0, :4, :4] = torch.eye(4, dtype=torch.bool)
    off = torch.zeros(mask.shape)
    off[..., 0, 3] = 1
    assert Ebpg().score(off, probes_of(mask)).value.item() == 1
    assert FineGrained().score(off, probes_of(mask)).value.item() == 0


def test_an_empty_mask_is_refused(probes_of: Make) -> None:
    mask = torch.zeros((2, 1, 4, 4), dtype=torch.bool)
    mask[0, 0, 0, 0] = True
    with pytest.raises(PeepholeError, match="1 of 2 truth masks are empty"):
        Ebpg().score(mask.float(), probes_of(mask))
