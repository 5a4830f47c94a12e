"""What metrics cost: beside other libraries that measure the same, alone, and in memory.

    python tests/speed/metrics.py [curves closed-forms memory] [--model resnet8 …] [--pictures 64] [--steps 32]
                                  [--rounds 5] [--threads 1] [--maps 10000] [--probes 1000 10000]

curves: see `curves`; needs ``quantus``. closed-forms: the metrics that need nothing but maps and their truth. memory:
peak memory of scoring stored maps of more and more probes. Nothing is asserted.
"""

from __future__ import annotations

import argparse

import curves
import torch
from closed_forms import print_closed_forms, print_memory

from peephole.models.base import MODELS

PARTS = ("curves", "closed-forms", "memory")


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--model", nargs="+", default=["resnet8"], choices=MODELS.names())
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--maps", type=int, default=10_000)
    parser.add_argument("--probes", type=int, nargs="+", default=[1000, 10_000])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    parts = options.parts or PARTS
    for model in options.model if "curves" in parts else ():
        lines = curves.curves(model, options.pictures, options.steps)
        threads = f"{options.threads} CPU threads, torch {torch.__version__}"
        curves.measure(f"curves: {model}, {options.pictures} pictures, {threads}", lines, options.rounds)
    if "closed-forms" in parts:
        print_closed_forms(options.maps)
    if "memory" in parts:
        print_memory(tuple(options.probes))


if __name__ == "__main__":
    main()
