"""What the methods of a run are, in a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.methods import names_in
from peephole.leaderboard.base import CALIBRATION
from peephole.plan import Plan, Row
from peephole.submissions.submission import METHOD, Submission


def descriptions(plan: Plan, submissions: Sequence[Submission]) -> dict[str, str]:
    """By the name of each row: title and source of what it is made of, or what was submitted."""
    submitted = {one.name: one for one in submissions}
    rows = {row.method: row for row in plan.rows}
    return {name: _description(row, submitted) for name, row in rows.items()}


def _description(row: Row, submitted: dict[str, Submission]) -> str:
    if row.is_calibration:
        return f"{CALIBRATION[row.method].title}: a map that is known without asking any network."
    if row.maps.spec["method"] == METHOD:
        return f"Submitted: {submitted[row.method].described}."
    return " ".join(_part(name) for name in names_in(row.method))


def _part(name: str) -> str:
    library, colon, own = name.rpartition(":")
    if colon:
        adapter = ADAPTERS[library]
        return f"{own} of {adapter.title}. {adapter.source.rstrip('.')}."
    rule = ATTRIBUTIONS[name]
    return f"{rule.title}. {rule.source.rstrip('.')}."
