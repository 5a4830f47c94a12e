"""Peephole: plant a backdoor in an image classifier, ask an explanation to find it, publish how well it did.

From Python: ``peephole.run("quick", out="results")`` gives a `RunResult` with the tables as data frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peephole._version import __version__

if TYPE_CHECKING:
    from peephole.errors import PeepholeError, UnknownName
    from peephole.machine import Machine
    from peephole.options import Options
    from peephole.runner import RunResult, run

__all__ = ["Machine", "Options", "PeepholeError", "RunResult", "UnknownName", "__version__", "run"]

_HOMES = {
    "Machine": "peephole.machine",
    "Options": "peephole.options",
    "PeepholeError": "peephole.errors",
    "RunResult": "peephole.runner",
    "UnknownName": "peephole.errors",
    "run": "peephole.runner",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for: ``import peephole`` alone stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'peephole' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
