"""Seeds of one's own for everything that is random; torch-free."""

from __future__ import annotations

import hashlib


def stream(purpose: str, seed: int) -> int:
    """A seed in [0, 2⁵⁶) for one purpose. Two purposes that share a run's seed do not share random numbers."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:7], "big")
