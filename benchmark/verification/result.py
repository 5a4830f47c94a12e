"""What a verification says; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from peephole.leaderboard.alignment import Row
from peephole.verification.finding import Finding, by_row

if TYPE_CHECKING:
    import pandas as pd

    from peephole.verification.comparing import Recomputed

REPRODUCES, DIFFERS, STALE, NOT_RECOMPUTED = "reproduces", "differs", "stale", "not recomputed"


@dataclass(frozen=True)
class VerifyResult:
    """Which rows reproduce.

    Attributes:
        folder: with the results.
        suite: the identifier, with the user's changes.
        share, seed: which part was made anew; the same two draw the same part again.
        rows: one a row of the board: method, kind, layer; status: ``"reproduces"``, ``"differs"``, ``"stale"`` or
            ``"not recomputed"``; reason: of the latter three; difference: between the means of the stored scores
            and those made anew, in units of the distance between chance and the truth, of the metric and model that
            are nearest to their tolerance; tolerance: what it may be; models: how many of the row's were made anew.
        differences: all that is not as the store, or what was made anew, says.
        stale: what was made by other code than there is now.
        notes: what else is to be known.
    """

    folder: Path
    suite: str
    share: float
    seed: int
    rows: pd.DataFrame
    differences: tuple[Finding, ...]
    stale: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs and nothing is stale."""
        return not self.differences and not self.stale

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        counts = {status: int((self.rows["status"] == status).sum()) for status in (REPRODUCES, DIFFERS, STALE)}
        left = len(self.rows) - sum(counts.values())
        parts = ["files and store agree"] if self.ok else []
        parts += [f"{counts[REPRODUCES]} of {len(self.rows)} rows reproduce"]
        parts += [f"{counts[DIFFERS]} differ"] if counts[DIFFERS] else []
        parts += [f"{counts[STALE]} are stale: made by other code than there is now"] if counts[STALE] else []
        parts += [f"{left} were not recomputed"] if left else []
        files = {finding.where.partition(" ")[0] for finding in self.differences if not finding.rows}
        parts += [f"something else is wrong with {', '.join(sorted(files))}"] if files else []
        return f"{self.suite}: {'; '.join(parts)}."


def row_table(
    rows: Iterable[Row],
    differences: Sequence[Finding],
    stale: Sequence[Finding],
    recomputed: Iterable[Recomputed],
    why_not: Mapping[Row, str],
) -> pd.DataFrame:
    """The table of a `VerifyResult`.

    Args:
        rows: all there are.
        differences: see `VerifyResult`.
        stale: see `VerifyResult`.
        recomputed: what was made anew.
        why_not: rows that were not, and why.
    """
    import pandas as pd

    different, old = by_row(differences), by_row(stale)
    results: dict[Row, list[Recomputed]] = {}
    for each in recomputed:
        results.setdefault(each.row, []).append(each)
    lines = []
    for row in rows:
        own = results.get(row, [])
        nearest = max(own, key=lambda each: each.difference / each.tolerance, default=None)
        if row in different:
            more = len(different[row]) - 1
            status, reason = DIFFERS, different[row][0] + (f" (and {more} more)" if more else "")
        elif row in old:
            more = len(old[row]) - 1
            status, reason = STALE, old[row][0].partition(": ")[2] + (f" (and {more} more)" if more else "")
        elif own:
            status, reason = REPRODUCES, ""
        else:
            status, reason = NOT_RECOMPUTED, why_not.get(row, "")
        lines.append(
            {
                **dict(zip(("method", "kind", "layer"), row, strict=True)),
                "status": status,
                "reason": reason,
                "difference": nearest.difference if nearest else float("nan"),
                "tolerance": nearest.tolerance if nearest else float("nan"),
                "models": len({each.model for each in own}),
            }
        )
    columns = ["method", "kind", "layer", "status", "reason", "difference", "tolerance", "models"]
    return pd.DataFrame(lines, columns=columns)
