"""The texts that name metrics, such as ``morf(baseline='blur')``: written as those of triggers are."""

from __future__ import annotations

from peephole.leaderboard.base import METRICS, Metric
from peephole.texts.grammar import Grammar
from peephole.texts.naming import Naming

NAMING: Naming[Metric] = Naming(
    METRICS, Grammar("metric", ("completeness", "morf(baseline=blur)", "restore"), nested=False)
)
