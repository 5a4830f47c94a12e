"""A cell: what one metric says of one explanation of one model, picture by picture; torch-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError

PROVENANCE = (
    "suite_version",
    "data_digest",
    "model_digest",
    "weights_digest",
    "method_digest",
    "submission",
    "peephole_version",
    "torch_version",
    "device",
    "dtype",
    "dirty",
)

Kind = Literal["method", "calibration"]
Direction = Literal["higher", "lower"]
NUMBERS = ("value", "chance", "best")
TOLERANCE = 1e-9
"""By which levels of one picture may differ between rows, and the truth's lead over chance be nothing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """Scores of N pictures under one metric.

    A poisoned model is a (suite, dataset, model, trigger, seed). All cells of one poisoned model speak of the same
    pictures in the same order, though a costly method may have scores of some of them only.

    Attributes:
        suite, dataset, model, trigger, seed: which poisoned model.
        method, kind, layer: whose map; ``kind`` is ``"calibration"`` for maps that explain nothing.
        metric: the metric's name.
        scored: bool ``[N]``, the pictures that there is a score of.
        value: float64 ``[N]``, the scores; chance where ``valid`` is False, NaN where ``scored`` is.
        chance: float64 ``[N]``, the expected score of a map that knows nothing; NaN where ``scored`` is False.
        best: float64 ``[N]``, the score of the truth itself; NaN where ``scored`` is False.
        valid: bool ``[N]``; True where ``scored`` is False, as nothing is wrong there.
        selection: bool ``[N]``, pictures held apart for choosing a method's layer; no reported number uses them.
        ms_per_image: what a map cost, NaN for calibration rows.
        passes: the same in multiples of one forward and backward pass, NaN where it is not known.
        direction, core: the metric's facts, see `Metric`.
        certified: whether the poisoned model passed the gates of its certificate.
        provenance: exactly the keys of `PROVENANCE`. ``model_digest`` is of what the poisoned model was made from,
            ``weights_digest`` of what came of it: the same network for two people whose digests agree. ``submission``
            is what was submitted, with its options; empty for other methods.

    Raises:
        PeepholeError: arrays of other dtype or length, numbers that are not finite just where they are scored, or other
            provenance keys.
    """

    suite: str
    dataset: str
    model: str
    trigger: str
    seed: int
    method: str
    kind: Kind
    layer: str
    metric: str
    scored: NDArray[np.bool_]
    value: NDArray[np.float64]
    chance: NDArray[np.float64]
    best: NDArray[np.float64]
    valid: NDArray[np.bool_]
    selection: NDArray[np.bool_]
    ms_per_image: float
    passes: float
    direction: Direction
    core: bool
    certified: bool
    provenance: Mapping[str, str]

    def __post_init__(self) -> None:
        length = np.shape(self.value)
        for names, dtype in ((NUMBERS, "f8"), (("valid", "selection", "scored"), "?")):
            for name in names:
                array = np.asarray(getattr(self, name))
                if array.ndim != 1 or array.shape != length or array.dtype != np.dtype(dtype):
                    raise PeepholeError(
                        f"{self.label}: {name} is {array.dtype} {list(array.shape)}, expected {np.dtype(dtype)} [N], "
                        "one entry a picture"
                    )
        numbers = np.stack([getattr(self, name) for name in NUMBERS])
        if not np.isfinite(numbers[:, self.scored]).all():
            raise PeepholeError(f"{self.label}: a value, chance or best is NaN or infinite; expected finite scores")
        if not (np.isnan(numbers).all(axis=0) & self.valid)[~self.scored].all():
            raise PeepholeError(
                f"{self.label}: a picture that is not scored has a value, chance or best, or is invalid; "
                "expected NaN and valid there"
            )
        if set(self.provenance) != set(PROVENANCE):
            raise PeepholeError(
                f"{self.label}: provenance has {sorted(self.provenance)}, expected {sorted(PROVENANCE)}"
            )

    @property
    def label(self) -> str:
        """Which cell it is, for messages."""
        return f"cell {self.method}/{self.layer}/{self.trigger}/{self.seed}/{self.metric}"

    @property
    def reported(self) -> NDArray[np.bool_]:
        """The pictures that this cell's numbers are reported on, bool ``[N]``."""
        return ~self.selection & self.scored

    @property
    def subject(self) -> tuple[str, str, str, str]:
        """What rows must share to stand on one board: suite and its version, data set, model."""
        return self.suite, self.provenance["suite_version"], self.dataset, self.model

    @property
    def poisoned(self) -> tuple[str, int]:
        """The poisoned model, within one subject."""
        return self.trigger, self.seed

    @property
    def row(self) -> tuple[str, Kind, str]:
        """The row of the board."""
        return self.method, self.kind, self.layer


def check_cells(cells: Sequence[Cell]) -> None:
    """Refuse cells that cannot stand side by side: rows are never mixed across data or code versions.

    Raises:
        PeepholeError: a cell occurs twice, or the cells of one poisoned model differ in pictures, in the digests of
            data or model, in whether the model is certified, or in the chance or best level of a metric on a picture,
            or cells of one metric differ in its facts. An empty digest is taken as unknown and matches any.
    """
    keys = Counter((*cell.subject, *cell.poisoned, *cell.row, cell.metric) for cell in cells)
    twice = [key for key, count in keys.items() if count > 1]
    if twice:
        raise PeepholeError(f"{len(twice)} cells occur twice, the first {'/'.join(map(str, twice[0]))}; give each once")
    first: dict[tuple[object, ...], Cell] = {}
    digests: dict[tuple[object, ...], str] = {}
    facts: dict[str, tuple[str, bool]] = {}
    alike: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        fact = (cell.direction, cell.core)
        if facts.setdefault(cell.metric, fact) != fact:
            raise PeepholeError(f"{cell.label} has another direction or core than the rows beside it; score them anew")
        key = (*cell.subject, *cell.poisoned)
        peer = first.setdefault(key, cell)
        if cell.certified != peer.certified or not np.array_equal(cell.selection, peer.selection):
            raise PeepholeError(
                f"{cell.label} and {peer.label} differ in pictures or certificate; score all rows on the same pictures"
            )
        for name in ("data_digest", "model_digest"):
            digest = cell.provenance[name]
            if digest and digests.setdefault((*key, name), digest) != digest:
                raise PeepholeError(f"{cell.label} has another {name} than the rows beside it; score them anew")
        alike.setdefault((*key, cell.metric), []).append(cell)
    for group in alike.values():
        for name in ("chance", "best"):
            levels = [getattr(cell, name) for cell in group]
            # Pictures that no row has a score of are NaN, and compare as equal.
            if bool((np.fmax.reduce(levels) - np.fmin.reduce(levels) > TOLERANCE).any()):
                raise PeepholeError(
                    f"{group[0].label} and the rows beside it differ in the {name} level of a picture; score them anew"
                )


def common_level(levels: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """A metric's chance or best level of each picture ``[N]``, from whichever of the rows' levels knows it, else NaN.

    Levels that `check_cells` lets pass differ by rounding; the lowest is taken, so that the order of rows is none of
    its concern.
    """
    level: NDArray[np.float64] = np.fmin.reduce(levels)
    return level
