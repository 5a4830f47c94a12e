"""Boxes from masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tight_boxes(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The smallest box around each mask.

    Args:
        masks: bool ``[N,H,W]``.

    Returns:
        int64 ``[N,4]`` as (left, top, right, bottom), right and bottom exclusive; all zero where a mask is empty.
    """
    columns: NDArray[np.bool_] = np.asarray(masks.any(axis=1))
    rows: NDArray[np.bool_] = np.asarray(masks.any(axis=2))
    left, top = columns.argmax(axis=1), rows.argmax(axis=1)
    right = columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    bottom = rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    boxes = np.stack([left, top, right, bottom], axis=1).astype(np.int64)
    return boxes * columns.any(axis=1, keepdims=True)
