"""The errors a user can cause. The command line prints them as one line and exits with 2.

This module, `peephole.files`, `peephole.hdf5_files`, `peephole.labels`, `peephole.memory_layout`,
`peephole.network_copy`, `peephole.registry`, `peephole.seeds` and `peephole.texts` are the ground floor: every folder
may import them, and they import nothing else of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PeepholeError(Exception):
    """Bad input: the message says in one line what was wrong, what was expected and what to do."""


class UnknownName(PeepholeError):
    """A name that nothing is registered under; the message lists what exists and the nearest match."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        super().__init__(f"unknown {kind} '{name}'.{hint} There are: {', '.join(names)}.")
