"""The picture that is explained: a file, or one of the data set's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.decoding import decode, picture_size
from peephole.errors import PeepholeError
from peephole.explaining.subject import Subject

SPLIT = "test:"
"""What the number of a picture of the data set follows."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture as the network is to see it.

    Attributes:
        image: uint8 ``[3,side,side]``.
        label: if it is known.
        described: where it is from.
    """

    image: NDArray[np.uint8]
    label: int | None
    described: str


def read_picture(text: str, subject: Subject) -> Shown:
    """Read a file, made square as the network's data set makes its pictures; or take the N-th test picture.

    A file of another size than the pictures of a data set that are all alike is resized and cropped at its centre.

    Args:
        text: a path, or ``test:N``, counted from 0.
        subject: whose picture it is going to be.

    Raises:
        PeepholeError: there is no such picture, or the file holds none.
    """
    if text.startswith(SPLIT):
        return _of_dataset(text, subject)
    path = Path(text)
    if not path.is_file():
        raise PeepholeError(
            f"there is no picture at {path}; give a JPEG, PNG, BMP, WebP, TIFF, GIF or PPM file, or test:N."
        )
    square = subject.fit is None and picture_size(text, upright=True) == (subject.side, subject.side)
    fit = None if square else subject.fit or CentreCrop(subject.side, subject.side)
    return Shown(decode(text, subject.side, fit, upright=True), None, path.name)


def _of_dataset(text: str, subject: Subject) -> Shown:
    if subject.dataset is None:
        raise PeepholeError(f"{text} is of the data set, which is not at hand; give --dataset and --data, or a file.")
    number = text.removeprefix(SPLIT)
    pictures = subject.dataset.load("test")
    count = len(pictures.labels)
    if not number.isdigit() or int(number) >= count:
        raise PeepholeError(f"there is no test picture '{number}'; they are test:0 to test:{count - 1}.")
    return Shown(pictures.images[int(number)], int(pictures.labels[int(number)]), f"test picture {number}")
