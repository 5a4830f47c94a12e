"""Our maps beside those of other libraries, on the same graph of the same network.

    python tests/peers/agreement.py

Prints one line a comparison: the largest difference of any picture at any layer, as a share of the largest value of the
peer's map. Ends with status 1 if maps differ that must agree, or agree that are known to differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache

import captum_rows
import grad_cam_rows
import torch
import zennit_rows
from comparison import Comparison
from measures import largest_difference
from subjects import SUBJECTS, Subject

NO_PEER: Mapping[str, str] = {
    "activation": "P2's own",
    "cameras": "no library has it",
    "cascade": "P2's own",
    "from_activation": "P2's own",
    "input_x_smoothgrad": "draws other noise than any library",
    "rectgrad": "no library for PyTorch has it",
    "restricted": "P2's own",
    "smoothgrad": "draws other noise than any library",
    "tif": "P1's own",
}
"""The rules that stand in no comparison, and why."""

HEAD = ("network", "dtype", "ours", "peer", "layers", "difference", "tolerance", "verdict")


def comparisons() -> list[Comparison]:
    """All of them, library by library."""
    return [*captum_rows.rows(), *zennit_rows.rows(), *grad_cam_rows.rows()]


@cache
def subject(name: str, dtype: torch.dtype) -> Subject:
    """A network of `SUBJECTS`, made once."""
    return SUBJECTS[name](dtype)


def row(comparison: Comparison) -> tuple[tuple[str, ...], bool]:
    """A line of the table, and whether it says what it must."""
    on = subject(comparison.subject, comparison.dtype)
    ours, theirs = comparison.both(on)
    difference = largest_difference(ours, theirs)
    agrees, expected = difference <= comparison.tolerance, comparison.as_expected(difference)
    verdict = {True: ("agrees", "AGREES"), False: ("differs", "DIFFERS")}[agrees][not expected]
    said = [verdict, *filter(None, (comparison.differs, comparison.remark(on, ours, theirs)))]
    return (
        *(comparison.subject, str(comparison.dtype).removeprefix("torch."), comparison.ours, comparison.peer),
        *(_span(list(theirs), on.model.layers), f"{difference:.1e}", f"{comparison.tolerance:.0e}", "; ".join(said)),
    ), expected


def main() -> int:
    """Compare, and print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = [row(comparison) for comparison in comparisons()]
    lines = [HEAD, *(cells for cells, _ in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD) - 1)]
    for line in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]))
    print("\nno peer: " + "; ".join(f"{name} ({why})" for name, why in NO_PEER.items()))
    return 0 if all(expected for _, expected in found) else 1


def _span(layers: Sequence[str], of: Sequence[str]) -> str:
    if len(layers) == len(of):
        return f"all {len(of)}"
    return layers[0] if len(layers) == 1 else f"{layers[0]} … {layers[-1]}"


if __name__ == "__main__":
    sys.exit(main())
