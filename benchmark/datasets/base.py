"""What a data set is: pictures as bytes, labels, class names, and an identity that is not a path."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from peephole.registry import Registry

if TYPE_CHECKING:
    from peephole.datasets.picture_files import PictureFiles

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Pictures:
    """One split of a data set.

    Attributes:
        images: uint8 ``[N,C,H,W]``, in memory, or read from its files whenever it is indexed.
        labels: int64 ``[N]`` in [0, number of classes).
        boxes: int64 ``[N,4]`` as (left, top, right, bottom), right and bottom exclusive, or None.
        masks: bool ``[N,H,W]``, True on the object, or None.
    """

    images: NDArray[np.uint8] | PictureFiles
    labels: NDArray[np.int64]
    boxes: NDArray[np.int64] | None = field(default=None)
    masks: NDArray[np.bool_] | None = field(default=None)


class Dataset(Protocol):
    """A data set that can say who it is before it is read.

    One that can be fetched also has a class method ``download(folder)``, see `peephole.datasets.download`. One that may
    find what it does not read has a property ``notes``, lines that a run shows at its start.

    Attributes:
        title: the name for people.
        source: where it comes from, and under which terms.
        side: the pictures' height and width in pixels.
        classes: the class names; a label is an index into them.
        mean, std: three numbers each, the normalisation that models on this data set own, in [0,1] pixel units.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    side: int
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __init__(self, *, side: int | None = None, folder: Path | None = None) -> None:
        """Find the data; ``folder`` is where the user keeps data sets (``--data``).

        Raises:
            PeepholeError: the data is missing or incomplete, or has another side.
        """

    def identity(self) -> dict[str, str | int]:
        """What determines the content: generator and seed, or a fingerprint of the files. Never a path.

        ``train_count`` and ``test_count``, the numbers of pictures, are always among it.
        """
        ...

    def load(self, split: Split) -> Pictures:
        """Read or make one split."""
        ...


DATASETS: Registry[type[Dataset]] = Registry(
    "data set",
    "peephole.datasets",
    "peephole.datasets",
    support=(
        *("annotations", "base", "boxes", "centre_crop", "cifar_batches", "decoding", "digest", "download", "draws"),
        *("figures", "flat_val", "picture_files", "picture_folder", "scene", "textures"),
    ),
)
