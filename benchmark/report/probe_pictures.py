"""The pictures of a backdoor: without and with the trigger, what it changes, where the truth is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.base import Probes
from peephole.leaderboard.report.contents import Picture
from peephole.outline import svg_path
from peephole.plan import Backdoor
from peephole.probe_tiles import ProbeTiles, brightest, coloured, probe_tiles
from peephole.report.picture import write_if_stale
from peephole.report.shown import Question, picture_side, reduced, tile_side
from peephole.workspace import Workspace

VERSION = "1"
"""Raised when the same probes are drawn otherwise."""


def draw_probes(
    backdoor: Backdoor, questions: Sequence[Question], workspace: Workspace, folder: Path, stem: str
) -> tuple[Picture, ...]:
    """Write the files of each question; those that are current are left alone.

    Args:
        backdoor: which.
        questions: about its probes.
        workspace: to read them with.
        folder: of the report.
        stem: of the folder of the files, relative to it, with ``/`` between folders.

    Raises:
        DamagedShard: a shard is not what was written.
    """
    certificate = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]
    return tuple(
        _drawn(question, probe_tiles(probe, certificate), backdoor.probes.digest, folder, f"{stem}/{number}")
        for number, (question, probe) in enumerate(zip(questions, _probes(backdoor, questions, workspace), strict=True))
    )


def _probes(
    backdoor: Backdoor, questions: Sequence[Question], workspace: Workspace
) -> Iterator[dict[str, NDArray[Any]]]:
    """The probe of each question, with the mark that it is about alone."""
    shard = workspace.open(backdoor.probes)
    places = np.unique([question.place for question in questions])
    names = {field.name for field in fields(Probes)}.intersection(shard.names)
    arrays = {name: shard.take(name, places) for name in names}
    for question in questions:
        probe = {name: array[np.searchsorted(places, question.place)] for name, array in arrays.items()}
        one = slice(question.which, question.which + 1)
        yield {name: array if name in ("image", "clean") else array[one] for name, array in probe.items()}


def _drawn(question: Question, tiles: ProbeTiles, digest: str, folder: Path, stem: str) -> Picture:
    side = tiles.mask.shape[0]
    key = f"{VERSION}-{digest[:16]}-{question.place}-{question.which}"
    files = _Files(tiles, picture_side(side))
    names = {name: f"{stem}-{name}.png" for name in ("clean", "stamped", "change", "truth", "lost")}
    for name, file in names.items():
        write_if_stale(folder / file, key, files.pixels(name))
    small = reduced(tiles.mask.astype(np.float64)[None], tile_side(side))[0]
    return Picture(
        question.place,
        question.label,
        **names,
        change_max=float(tiles.change.max()),
        lost_max=float(tiles.lost.max()),
        outline=svg_path(small >= 0.5),
    )


class _Files:
    """What is in the files of one question, each made only if it is wanted."""

    def __init__(self, tiles: ProbeTiles, side: int) -> None:
        self._tiles, self._side = tiles, side

    def pixels(self, name: str) -> Callable[[], NDArray[np.uint8]]:
        """What makes the file of that name."""
        return lambda: self._bytes(np.asarray(getattr(self, name), dtype=np.float64))

    @property
    def clean(self) -> NDArray[Any]:
        return self._tiles.clean

    @property
    def stamped(self) -> NDArray[Any]:
        return self._tiles.stamped

    @cached_property
    def change(self) -> NDArray[Any]:
        return coloured(brightest(self._tiles.change))

    @cached_property
    def truth(self) -> NDArray[Any]:
        return coloured(self._tiles.truth)

    @cached_property
    def lost(self) -> NDArray[Any]:
        return coloured(brightest(self._tiles.lost))

    def _bytes(self, colours: NDArray[np.float64]) -> NDArray[np.uint8]:
        small = reduced(np.ascontiguousarray(colours.transpose(2, 0, 1)), self._side)
        return np.ascontiguousarray((255 * small).round().astype(np.uint8).transpose(1, 2, 0))
