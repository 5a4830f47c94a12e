"""Peephole: plant a backdoor in an image classifier, ask an explanation to find it, publish how well it did.

From Python: ``peephole.run("quick", out="results")`` gives a `RunResult` with the tables as data frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peephole._version import __version__

if TYPE_CHECKING:
    from peephole.checking import CheckResult, check
    from peephole.errors import PeepholeError, UnknownName
    from peephole.evaluation import Evaluation, evaluate
    from peephole.machine import Machine
    from peephole.merging import MergeResult, merge
    from peephole.options import Options
    from peephole.runner import RunResult, run
    from peephole.verification.result import VerifyResult
    from peephole.verification.verifying import verify

__all__ = [
    "CheckResult",
    "Evaluation",
    "Machine",
    "MergeResult",
    "Options",
    "PeepholeError",
    "RunResult",
    "UnknownName",
    "VerifyResult",
    "__version__",
    "check",
    "evaluate",
    "merge",
    "run",
    "verify",
]

_HOMES = {
    "CheckResult": "peephole.checking",
    "Evaluation": "peephole.evaluation",
    "Machine": "peephole.machine",
    "MergeResult": "peephole.merging",
    "Options": "peephole.options",
    "PeepholeError": "peephole.errors",
    "RunResult": "peephole.runner",
    "UnknownName": "peephole.errors",
    "VerifyResult": "peephole.verification.result",
    "check": "peephole.checking",
    "evaluate": "peephole.evaluation",
    "merge": "peephole.merging",
    "run": "peephole.runner",
    "verify": "peephole.verification.verifying",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for: ``import peephole`` alone stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'peephole' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
