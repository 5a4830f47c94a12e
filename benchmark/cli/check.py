"""``peephole check``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import Beside, Device, Json, LimitMemory, LimitSeconds, MethodOptions, Target, limits_of
from peephole.cli.streams import CleanConsole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from peephole.checking import CheckResult, Finding

FAILED = 1
MOST_SKIPPED = 3
"""So many checks that were skipped are listed; more are counted."""
MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "warning": ("!", "yellow"), "skipped": ("–", "dim")}


def check_command(
    target: Target,
    name: Annotated[str | None, typer.Option(help="What it is called; by default after the target.")] = None,
    option: MethodOptions = None,
    beside: Beside = None,
    device: Device = "auto",
    seconds: LimitSeconds = None,
    memory: LimitMemory = None,
    as_json: Json = False,
) -> None:
    """Try in seconds whether a method is fit for a board: does it load, answer, repeat itself, leave things alone?

    Asks it about small untrained networks and pictures made on the spot; needs no data and says nothing of how well it
    finds backdoors. The method runs in processes of its own. Exit code 0 if it passes, 1 if not, 2 if there is no such
    method.

    Examples:

    - `peephole check my_method.py`
    - `peephole check my_method.py:explain --option samples=25 --with weights.pt`
    - `peephole check captum:IntegratedGradients --option n_steps=20`
    - `peephole check my_method.py --json`
    """
    from peephole.checking import check

    waiting = None if as_json else CleanConsole(stderr=True)
    with nullcontext() if waiting is None else waiting.status(f"starting {Path(target).name} …") as status:
        result = check(
            target,
            name=name,
            options=option or (),
            beside=beside or (),
            device=device,
            limits=limits_of(seconds, memory),
            report=None if status is None else lambda title: status.update(f"{title.lower()} …"),
        )
    if as_json:
        from peephole.cli.tables import print_json

        print_json(result.as_json())
    else:
        from peephole.cli.streams import console

        print_checks(result, console())
    if not result.passed:
        raise typer.Exit(FAILED)


def print_checks(result: CheckResult, screen: Console) -> None:
    """Print what all checks found, and what to do next."""
    from rich.table import Table
    from rich.text import Text

    # What a method says stands in it: text, never markup.
    table = Table.grid(padding=(0, 2))
    for column in ({"no_wrap": True}, {"no_wrap": True}, {"overflow": "fold"}):
        table.add_column(**column)
    skipped = [one for one in result.findings if one.status == "skipped"]
    for one in result.findings:
        if one.status == "skipped" and len(skipped) > MOST_SKIPPED:
            continue
        mark, style = MARKS[one.status]
        table.add_row(Text(mark, style), Text(one.title, style if one.hint else ""), _found(one))
    if len(skipped) > MOST_SKIPPED:
        table.add_row(Text("–", "dim"), Text(f"{len(skipped)} more", "dim"), Text(skipped[0].found, "dim"))
    screen.print(Text(f"{result.name}: {result.target} ({result.digest})", "bold"), "", table, "", sep="\n")
    screen.print(Text(result.isolation), soft_wrap=True)
    screen.print(Text(_summary(result)), soft_wrap=True)


def _found(one: Finding) -> Text:
    from rich.text import Text

    text = Text(one.found, "dim" if one.status == "skipped" else "")
    if one.hint:
        text.append(f"\nwhy: {one.reason}", "dim")
        text.append(f"\ndo:  {one.hint}")
    return text


def _summary(result: CheckResult) -> str:
    """The last line: how it stands, and what comes next."""
    count = sum(one.status == "passed" for one in result.findings)
    warned, failed = len(result.warnings), len(result.failed)
    warnings = f", {warned} warning{'s' * (warned > 1)}" * (warned > 0)
    if result.passed:
        return f"{result.name} passes: {count} checks{warnings}; next: peephole submit {result.written}"
    skipped = len(result.findings) - count - warned - failed
    left = f", {skipped} skipped" * (skipped > 0)
    return (
        f"{result.name} does not pass: {failed} check{'s' * (failed > 1)} failed{warnings}, {count} passed{left}; mend "
        f"it and run peephole check {result.written} again."
    )
