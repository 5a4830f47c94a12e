"""What a worker of Ray does: look whether it is of our kind and sees our folder, then compute."""

from __future__ import annotations

import os
import pickle
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from peephole._version import __version__
from peephole.engines.errand import run_errand
from peephole.engines.report import Report


@dataclass(frozen=True)
class Passport:
    """What a node must have in common with the one that gives out the work.

    Attributes:
        python: major and minor version: what is sent is read by the same.
        version: of peephole.
        sign: a folder in the store, made for this run.
        root: of the store.
    """

    python: str
    version: str
    sign: Path
    root: Path

    @classmethod
    def of(cls, root: Path, sign: Path) -> Passport:
        """Of this process."""
        return cls(_python(), __version__, sign.absolute(), root.absolute())


def visit(units: bytes, kit: bytes, passport: Passport, threads: int) -> Report | str:
    """Compute a group; or in one line why nothing can be computed here.

    Units and kit are pickled once more, so that nothing of them is read before versions are compared.
    """
    trouble = _trouble(passport, threads)
    return trouble or run_errand(pickle.loads(units), pickle.loads(kit))


@cache
def _trouble(passport: Passport, threads: int) -> str:
    """Once a process."""
    node = platform.node()
    if (passport.python, passport.version) != (_python(), __version__):
        return (
            f"node {node} has Python {_python()} and peephole {__version__}, this machine {passport.python} and "
            f"{passport.version}; install the same on all nodes."
        )
    if not passport.sign.is_dir():
        return f"node {node} does not see the folder {passport.root}; give --out a folder that all nodes share."
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
    return ""


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])
