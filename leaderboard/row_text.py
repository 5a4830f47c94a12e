"""What the file of a published row holds; torch-free."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.array_texts import array_text
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.levels import Levels
from peephole.leaderboard.row_file import FORMAT, FORMAT_VERSION, PublishedRow, number_or_none

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def row_text(row: PublishedRow) -> str:
    """The content of a row's file: JSON, ``FORMAT_VERSION``.

    Numbers for people come first. ``models`` has an entry a poisoned model: its ``metrics``, each with the layers that
    there are scores at, and ``scores``, arrays of its N pictures: ``selection`` ``[N]``; ``scored`` ``[M,N]``,
    ``chance`` and ``best`` ``[M,N]`` of the M metrics; ``value`` and ``valid`` ``[K,N]`` of the K pairs of a metric and
    a layer, in their order. Arrays are written by `array_text`.

    Raises:
        PeepholeError: the row's cells of one model differ in cost or provenance, or those of one metric in levels.
    """
    first = row.cells[0]
    own: dict[tuple[str, int], list[Cell]] = {}
    for cell in row.cells:
        own.setdefault(cell.poisoned, []).append(cell)
    content = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **dict(zip(("suite", "suite_version", "dataset", "model"), first.subject, strict=True)),
        "method": row.method,
        "kind": row.kind,
        "place": row.place,
        **row.summary,
        "models": [
            _model(list(levels), own.get(poisoned, []))
            for poisoned, levels in groupby(row.levels, lambda level: level.poisoned)
        ],
    }
    return f"{_lines(content)}\n"


def _model(levels: Sequence[Levels], cells: Sequence[Cell]) -> dict[str, Any]:
    """The entry of one poisoned model."""
    first = cells[0] if cells else None
    for cell in cells:
        if first and (_cost(cell) != _cost(first) or cell.provenance != first.provenance):
            raise PeepholeError(f"{cell.label} and {first.label} differ in cost or provenance; score the row anew")
    own: dict[str, list[Cell]] = {cell.metric: [] for cell in cells}
    for level in levels:
        own.setdefault(level.metric, [])
    for cell in cells:
        own[cell.metric].append(cell)
    place_of = {metric: place for place, metric in enumerate(own)}  # the row's own order, then what it lacks
    levels = sorted(levels, key=lambda level: place_of[level.metric])
    ordered = [cell for level in levels for cell in own[level.metric]]
    size = len(levels[0].chance)
    scored = np.zeros((len(levels), size), dtype=np.bool_)
    chance, best = (np.stack([getattr(level, name) for level in levels]) for name in ("chance", "best"))
    for place, level in enumerate(levels):
        for cell in own[level.metric]:
            peer = own[level.metric][0]
            if not all(_same(getattr(cell, name), getattr(peer, name)) for name in ("scored", "chance", "best")):
                raise PeepholeError(f"{cell.label} has another level than at {peer.layer}; score the row anew")
        for cell in own[level.metric][:1]:
            scored[place] = cell.scored
            chance[place, cell.scored], best[place, cell.scored] = cell.chance[cell.scored], cell.best[cell.scored]
    return {
        "trigger": levels[0].trigger,
        "seed": levels[0].seed,
        "certified": levels[0].certified,
        "ms_per_image": number_or_none(first.ms_per_image) if first else None,
        "passes": number_or_none(first.passes) if first else None,
        "provenance": dict(first.provenance) if first else {},
        "metrics": [
            {
                "metric": level.metric,
                "direction": level.direction,
                "core": level.core,
                "layers": [cell.layer for cell in own[level.metric]],
            }
            for level in levels
        ],
        "scores": {
            "pictures": size,
            "selection": array_text(levels[0].selection),
            "scored": array_text(scored),
            "chance": array_text(chance),
            "best": array_text(best),
            "value": array_text(np.stack([cell.value for cell in ordered]) if ordered else np.empty((0, size))),
            "valid": array_text(
                np.stack([cell.valid for cell in ordered]) if ordered else np.empty((0, size), dtype=np.bool_)
            ),
        },
    }


def _lines(value: Any, indent: int = 0) -> str:
    """JSON with a line for each entry that holds nothing but numbers and texts."""
    entries = list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    if not any(isinstance(entry, dict | list) and entry for entry in entries):
        return _ENCODER.encode(value)
    names = [f"{_ENCODER.encode(name)}: " for name in value] if isinstance(value, dict) else None
    start, end = "{}" if names else "[]"
    inner = " " * (indent + 1)
    texts = (_lines(entry, indent + 1) for entry in entries)
    lines = (f"{inner}{name}{text}" for name, text in zip(names or [""] * len(entries), texts, strict=True))
    return f"{start}\n{f',{chr(10)}'.join(lines)}\n{' ' * indent}{end}"


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one is other or bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _cost(cell: Cell) -> tuple[float | None, float | None]:
    return number_or_none(cell.ms_per_image), number_or_none(cell.passes)
