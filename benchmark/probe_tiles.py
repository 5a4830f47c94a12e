"""What one probe picture shows of a backdoor, as arrays to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import success_lost

COLOURS = "magma"


@dataclass(frozen=True, eq=False)
class ProbeTiles:
    """A picture of side S with the marks of some of its targets.

    Attributes:
        clean, stamped: the picture without and with the trigger, float32 ``[S,S,C]`` in [0,1].
        change: ``|x' − x|``, channels averaged, ``[S,S]`` in [0,1].
        mask: bool ``[S,S]``, the truth masks together; nothing where the truth is graded.
        truth: ``[S,S]`` in [0,1], the same as numbers, or the graded truth.
        lost: ``[S,S]`` in [0,1], the measured truth: how much of the success is lost with the cell of each pixel.
    """

    clean: NDArray[np.float32]
    stamped: NDArray[np.float32]
    change: NDArray[np.float32]
    mask: NDArray[np.bool_]
    truth: NDArray[np.float32]
    lost: NDArray[np.float64]


def probe_tiles(probe: Mapping[str, NDArray[Any]], certificate: Mapping[str, Any]) -> ProbeTiles:
    """The tiles of one probe.

    Args:
        probe: one picture of a probe set's arrays: image, clean, exact, target, and mask or soft.
        certificate: of the model, as it is stored.
    """
    clean, stamped = (probe[name].transpose(1, 2, 0) for name in ("clean", "image"))
    graded = "mask" not in probe
    mask: NDArray[np.bool_] = np.zeros(clean.shape[:2], np.bool_) if graded else np.any(probe["mask"], axis=0)
    truth: NDArray[np.float32] = np.max(probe["soft"], axis=0) if graded else mask.astype(np.float32)
    lost = _lost(probe["exact"], probe["target"], certificate)
    return ProbeTiles(clean, stamped, np.abs(stamped - clean).mean(2), mask, truth, lost)


def brightest(values: NDArray[Any]) -> NDArray[np.float64]:
    """Values ``[H,W]`` with the largest as 1; zeros stay so."""
    scaled: NDArray[np.float64] = values / (float(values.max()) or 1.0)
    return scaled


def coloured(values: NDArray[Any]) -> NDArray[np.float64]:
    """Values ``[H,W]`` in [0,1] as colours ``[H,W,3]``, dark to bright."""
    import matplotlib

    colours: NDArray[np.float64] = matplotlib.colormaps[COLOURS](values)
    return colours[..., :3]


def _lost(exact: NDArray[np.bool_], targets: NDArray[np.int64], certificate: Mapping[str, Any]) -> NDArray[np.float64]:
    """The measured truth at each pixel of a picture ``[S,S]``, in [0,1]; of several marks, each in its place.

    Args:
        exact: bool ``[T,S,S]``, what the marks cover.
        targets: int64 ``[T]``, their labels.
        certificate: as it is stored.
    """
    import torch

    from peephole.triggers.cells import cells

    picture = np.zeros(exact.shape[1:])
    for support, label in zip(exact, targets.tolist(), strict=True):
        # The line of this label, or that of all of them where one was drawn for each picture.
        target = next(each for each in certificate["targets"] if each["target"] in (label, None))
        lost = np.nan_to_num(success_lost(target)).clip(0)
        cell = cells(torch.from_numpy(np.array(support))[None], len(lost))[0].numpy()
        picture = np.where(cell >= 0, lost.flatten()[cell.clip(0)], picture)
    return picture
