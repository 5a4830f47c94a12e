"""What every layer at once costs: each rule as a multiple of one plain forward pass and input gradient.

    python tests/speed/layers.py [--batch 32] [--threads 2] [--rounds 5] [--device cpu] [--only NAME …]

Every measurement stands between two of the plain pass, and is divided by their mean; the table gives the median over
the rounds, the smallest and the largest. Beside our rules stand other libraries that do the same work on the same graph
in the same run. A task that has taken --patience seconds is not measured again. Tasks of very many passes are measured
on four pictures and given a picture. Nothing is asserted: the last column says whether a rule keeps to its limit.
"""

from __future__ import annotations

import argparse
import statistics
import warnings

import own_tasks
import peer_tasks
import torch
from stopwatch import FEW, Stopwatch
from work import Bench, Task

HEAD = ("", "passes", "min–max", "n", "limit", "")


def main() -> None:
    """Measure, and print the table."""
    options = arguments()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks", UserWarning, "captum")
    device = torch.device(options.device)
    bench = Bench.of(options.batch, device)
    tasks = [*own_tasks.tasks(bench), *peer_tasks.tasks(bench)]
    known = {task.rule for task in tasks}
    if unknown := sorted(set(options.only or ()) - known):
        raise SystemExit(f"there is no {unknown[0]}; choose among: {', '.join(sorted(known))}")
    tasks = [task for task in tasks if not options.only or task.rule in options.only]
    watch = Stopwatch(bench, options.patience)
    watch.warm_up(tasks)
    watch.measure(tasks, options.rounds)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{options.threads} CPU threads"
    print(f"resnet18, batch {options.batch}, {len(bench.canonical.layers)} layers, {where}, torch {torch.__version__}")
    print(f"plain forward + input gradient: median {1000 * statistics.median(watch.passes):.1f} ms")
    print(f"(*: a picture, measured on {min(FEW, options.batch)})\n")
    print_table(tasks, watch)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=8.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rules, with the libraries that do the same")
    return parser.parse_args()


def print_table(tasks: list[Task], watch: Stopwatch) -> None:
    """One line a task; last, what sharing saves."""
    median = {title: statistics.median(ratios) for title, ratios in watch.ratios.items()}
    lines = [HEAD]
    for task in tasks:
        ratios = watch.ratios[task.title]
        limit = limit_of(task, tasks, median)
        lines.append(
            (
                f"{task.title}{' *' if task.slow else ''}",
                f"{median[task.title]:.2f}",
                f"{min(ratios):.2f}–{max(ratios):.2f}",
                f"{len(ratios)}",
                "" if limit is None else f"≤ {limit:.2f}",
                "" if limit is None else "holds" if median[task.title] <= limit else "EXCEEDED",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for first, *rest in lines:
        cells = [cell.rjust(width) for cell, width in zip(rest[:-1], widths[1:], strict=False)]
        print("  ".join([first.ljust(widths[0]), *cells, rest[-1]]).rstrip())
    own = {task.rule: median[task.title] for task in tasks if not task.peer}
    if {own_tasks.TOGETHER, *own_tasks.one_pass()} <= own.keys():
        alone = [own[name] for name in own_tasks.one_pass()]
        together = f"{own[own_tasks.TOGETHER]:.2f}"
        print(f"\nall {len(alone)} one-pass rules: {together} sharing passes, {sum(alone):.2f} the sum of each alone")


def limit_of(task: Task, tasks: list[Task], median: dict[str, float]) -> float | None:
    """How many passes one of our rules may take; None for other libraries and rules without a limit."""
    if task.peer:
        return None
    if task.rule in own_tasks.HALF_OF_THE_PEER:
        # The first of its lines is the library as it is called without options.
        return next(median[other.title] for other in tasks if other.peer and other.rule == task.rule) / 2
    return own_tasks.AT_MOST.get(task.rule)


if __name__ == "__main__":
    main()
