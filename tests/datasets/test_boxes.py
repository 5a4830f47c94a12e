import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from peephole.datasets.boxes import tight_boxes


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))))
def test_boxes_hold_every_true_pixel_and_touch_one_on_each_side(masks):
    boxes = tight_boxes(masks)
    assert boxes.dtype == np.int64
    for mask, box in zip(masks, boxes.tolist(), strict=True):
        rows, columns = np.nonzero(mask)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
        assert box == expected
