"""Each method's best layer, chosen on pictures that no reported number knows of; torch-free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.parts import headline_parts
from peephole.leaderboard.ranking import DECIMALS
from peephole.leaderboard.resamples import means


def best_layers(lineup: Lineup) -> NDArray[np.bool_]:
    """Mark ``[R]`` the row that the selection pictures choose among its method's.

    It is the one with the best headline on them, the first of equals, their scores being scaled like those of the
    reported pictures. A method with one layer needs no choice; with several and no selection pictures none is marked.
    """
    parts = headline_parts(lineup.conditions)
    score = np.full(len(lineup.rows), 0.0 if parts else np.nan)
    for part in parts:
        pictures = lineup.pictures[part.trigger]
        if 0 in pictures.selection_sizes:
            score[:] = np.nan
        else:
            score += part.weight * means(part.scores[:, pictures.selection], pictures.selection_sizes)
    score = np.round(score, DECIMALS)
    layers: dict[tuple[str, str], list[int]] = {}
    for index, (method, kind, _) in enumerate(lineup.rows):
        layers.setdefault((method, kind), []).append(index)
    chosen = np.zeros(len(lineup.rows), dtype=np.bool_)
    for indices in layers.values():
        if len(indices) == 1:
            chosen[indices] = True
        elif not np.isnan(score[indices]).all():
            chosen[indices[int(np.nanargmax(score[indices]))]] = True
    return chosen
