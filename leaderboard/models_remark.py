"""What intervals speak of when there are few models; torch-free."""

from __future__ import annotations

import math


def models_remark(few: int) -> str:
    """A sentence for readers.

    Args:
        few: how many models of a trigger there are, at least 1; the fewest if triggers differ.
    """
    if few == 1:
        return (
            "There is one model of a trigger: intervals speak of its pictures only, and another model trained the same "
            "way may well differ."
        )
    return (
        f"Intervals speak of models trained the same way; with {few} of a trigger they are too narrow by about a "
        f"factor of {math.sqrt(few / (few - 1)):.2f}."
    )
