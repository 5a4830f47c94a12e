"""Verdicts as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Reproduction
from peephole.leaderboard.verdict import Verdict

STYLES = {Verdict.HOLDS: "green", Verdict.FAILS: "red", Verdict.NOT_SEPARABLE: "yellow", Verdict.NOT_TESTED: "dim"}


def claims_table(results: Sequence[ClaimResult], found: Reproduction) -> Table:
    """A line a claim, and below it one a part of it."""
    title = f"The papers' claims on {found.subject}"
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for heading in ("#", "claim, and what it expects", "measured", "has to be", "verdict"):
        table.add_column(heading, justify="right" if heading in ("#", "measured") else "left")
    for result in results:
        words = Text(f"{result.title} ({result.source})", style="bold")
        table.add_row(str(result.number), words, "", "", _verdict(result.verdict, result.held))
        for one in result.tested:
            table.add_row("", Text(f"  {one.expectation.words}"), *_measured(one), _verdict(one.verdict))
    table.caption = (
        "The smoke test: small networks, few pictures; these verdicts are none to quote."
        if found.quick
        else "holds: the whole interval lies where it had to; fails: no part of it. Intervals speak of these networks."
    )
    table.caption_justify = "left"
    return table


def _verdict(verdict: Verdict, held: str = "") -> Text:
    return Text(f"{verdict} ({held} hold)" if held else str(verdict), style=STYLES[verdict])


def _measured(one: ClaimPart) -> tuple[Text, str]:
    """Number and interval, and where it has to be; or why there is none."""
    if one.estimate is None:
        return Text(one.reason, style="dim"), str(one.expectation.criterion)
    estimate = one.estimate
    text = f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
    return Text(text), str(one.expectation.criterion)
