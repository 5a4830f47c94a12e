"""What all pages of a report share: the views, and what methods, layers and models are called; torch-free."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from peephole.labels import file_name
from peephole.leaderboard.layer_order import network_order
from peephole.leaderboard.report.contents import Contents, Gallery
from peephole.leaderboard.report.metric_facts import MetricFacts, metric_facts
from peephole.leaderboard.report.views import View, views_of


@dataclass(frozen=True, eq=False)
class Subject:
    """The contents of a report, and what follows from them, each made once.

    Attributes:
        contents: what is shown.
        siblings: reports of other boards: what each is called, and the way to its first page.
    """

    contents: Contents
    siblings: tuple[tuple[str, str], ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """leaderboard.csv; no rows if there is none."""
        return self.contents.board.summary if self.contents.board else pd.DataFrame(columns=["method", "kind", "layer"])

    @cached_property
    def views(self) -> tuple[View, ...]:
        """All triggers, then each."""
        found = views_of(self.contents.board) if self.contents.board else ()
        order = {name: place for place, name in enumerate(self._column(self.contents.models, "trigger")[::-1])}
        return (*found[:1], *sorted(found[1:], key=lambda view: -order.get(view.trigger, -1)))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Methods and calibration rows, by best rank."""
        return tuple(dict.fromkeys(self.table["method"]))

    @cached_property
    def calibration(self) -> frozenset[str]:
        """Those that explain nothing."""
        return frozenset(self.table.loc[self.table["kind"] == "calibration", "method"])

    @cached_property
    def triggers(self) -> tuple[str, ...]:
        """Those of the certificates, in the suite's order, then whatever else is on the board."""
        names = [*self._column(self.contents.models, "trigger"), *(view.trigger for view in self.views[1:])]
        return tuple(dict.fromkeys(names))

    @cached_property
    def models(self) -> tuple[tuple[str, int], ...]:
        """The poisoned models: trigger and seed."""
        frame = self.contents.models
        return tuple(dict.fromkeys(zip(self._column(frame, "trigger"), self._column(frame, "seed"), strict=True)))

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """All layers, from the picture up."""
        frame = self.contents.scores
        if {"method", "trigger", "seed", "layer"} <= set(frame.columns):
            groups = frame.groupby(["method", "trigger", "seed"], sort=False)["layer"]
            return tuple(network_order(tuple(dict.fromkeys(group)) for _, group in groups))
        return tuple(dict.fromkeys(self.table["layer"]))

    @cached_property
    def metrics(self) -> tuple[MetricFacts, ...]:
        """Of the board, core ones first."""
        board = self.contents.board
        return tuple(metric_facts(name, board) for name in board.metrics) if board else ()

    @cached_property
    def method_files(self) -> dict[str, str]:
        """The page of each method, relative to the report's folder."""
        return {name: f"methods/{stem}.html" for name, stem in stems(self.methods).items()}

    @cached_property
    def model_files(self) -> dict[tuple[str, int], str]:
        """The page of each poisoned model."""
        names = stems(f"{trigger}-seed{seed}" for trigger, seed in self.models)
        return {(trigger, seed): f"models/{names[f'{trigger}-seed{seed}']}.html" for trigger, seed in self.models}

    def gallery(self, trigger: str, seed: int | None = None) -> Gallery | None:
        """The pictures of a trigger's first model, or of that of ``seed``, if there are any."""
        return next(
            (one for one in self.contents.galleries if one.trigger == trigger and seed in (None, one.seed)), None
        )

    @cached_property
    def facts(self) -> dict[str, str]:
        """Of what the board is, from whatever table says it."""
        found: dict[str, str] = {}
        for frame in (self.contents.scores, self.contents.models, self.table):
            for name in ("suite", "dataset", "model", "peephole_version", "torch_version", "device"):
                values = list(dict.fromkeys(map(str, self._column(frame, name))))
                if values:
                    found.setdefault(name, "; ".join(values))
        return found

    @staticmethod
    def _column(frame: pd.DataFrame, name: str) -> list[Any]:
        return frame[name].tolist() if name in frame else []


def stems(names: Any) -> dict[str, str]:
    """A file's name without ending for each of ``names``, no two the same on any file system."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = file_name(name)[:80].lower()
        if not stem.isascii() or not stem or stem in taken:
            stem = f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".encode("ascii", "ignore").decode()
        taken.add(stem)
        found[name] = stem
    return found
