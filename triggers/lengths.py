"""How long marks and masks are. Given for a 224-pixel side (P1, A.1), they scale with the picture; torch-free.

At 32 pixels: mark 9, corner 14, band 3, BadNet's patch 3, the dynamic patch 5, a field 1.
"""

from __future__ import annotations

from peephole.errors import PeepholeError

REFERENCE_SIDE = 224
MARK = 64
CORNER = 96
BAND = 16
SMALLEST_BAND = 3
PATCH = 21
DYNAMIC = 35
FIELD = 7  # of a drawn pattern
SMALLEST_SIDE = 16  # below it the band around an X fills the X's square and says nothing


def scaled(length: int, side: int, least: int = 1) -> int:
    """``length`` pixels of a 224-pixel side, on a side of ``side`` pixels: rounded, at least ``least``."""
    return max(least, round(length * side / REFERENCE_SIDE))


def check_length(side: int) -> None:
    """Refuse picture sides that are too small for any trigger."""
    if side < SMALLEST_SIDE:
        raise PeepholeError(
            f"a picture side of {side} pixels is too small for a trigger; use {SMALLEST_SIDE} pixels or more."
        )
