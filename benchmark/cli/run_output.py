"""What ``peephole run`` prints when it is over."""

from __future__ import annotations

from pathlib import Path

from peephole.cli.streams import say
from peephole.engines.outcome import Outcome
from peephole.runner import PartResult, RunResult

SHOWN = 20
"""Failures that are listed; the log has all."""


def print_result(result: RunResult | PartResult) -> None:
    """For people: certificates and board on standard output, failures on standard error."""
    if isinstance(result, PartResult):
        _print_part(result)
    else:
        _print_board(result)


def _print_board(result: RunResult) -> None:
    from peephole.cli.leaderboard import print_board
    from peephole.cli.streams import console
    from peephole.cli.tables import models_table

    screen = console()
    screen.print(models_table(result.models), "")
    print_board(result.leaderboard, screen, every_layer=False)
    screen.print()
    outcome = result.outcome
    screen.print(f"{len(outcome.computed)} units computed, {len(outcome.cached)} from the store.", soft_wrap=True)
    if result.mended:
        screen.print(
            f"{result.mended} shards were damaged and were made anew; peephole store check {result.folder} reads all.",
            soft_wrap=True,
        )
    screen.print(
        f"In {result.folder}: leaderboard.csv (every layer), scores.csv, models.csv, kis.csv, kis.png, triggers.png, "
        "heatmaps/. Is one better than another? peephole compare A B.",
        soft_wrap=True,
    )
    if result.report:
        screen.print(f"To look at it all: open {result.report}", soft_wrap=True)
    if result.unreported:
        say(f"peephole: {result.unreported}", error=True)
    print_failures(outcome, result.log)


def _print_part(result: PartResult) -> None:
    outcome = result.outcome
    if not outcome.available and not outcome.failed:
        say(f"Part {result.part} has nothing to do: there are fewer results than parts.")
        return
    say(
        f"Part {result.part}: {len(outcome.computed)} units computed, {len(outcome.cached)} were in the store of "
        f"{result.folder}. When all parts are done, the same command without --shard writes the board."
    )
    print_failures(outcome, result.log)


def print_failures(outcome: Outcome, log: Path) -> None:
    """The units that failed, on standard error."""
    failed = outcome.failed
    for failure in failed[:SHOWN]:
        say(f"peephole: failed: {failure.unit.label}: {failure.reason}", error=True)
    if failed:
        more = f"; {len(failed) - SHOWN} more are in the log" if len(failed) > SHOWN else ""
        say(
            f"peephole: {len(failed)} units failed and {len(outcome.skipped)} that need them were left out"
            f"{more}; tracebacks are in {log}; the same command tries them again.",
            error=True,
        )


def print_json_result(result: RunResult | PartResult) -> None:
    """For programs."""
    from peephole.cli.tables import print_json, records

    outcome = result.outcome
    value = {
        "folder": str(result.folder),
        "log": str(result.log),
        "units": {
            "computed": len(outcome.computed),
            "cached": len(outcome.cached),
            "skipped": len(outcome.skipped),
            "failed": [
                {"unit": failure.unit.label, "reason": failure.reason, "traceback": failure.trace}
                for failure in outcome.failed
            ],
        },
    }
    if isinstance(result, PartResult):
        print_json({"part": str(result.part), **value})
        return
    print_json(
        {
            "suite": result.suite,
            **value,
            "models": records(result.models),
            "leaderboard": records(result.leaderboard),
            "heatmaps": [str(path) for path in result.heatmaps],
            "report": str(result.report) if result.report else None,
            "unreported": result.unreported,
        }
    )
