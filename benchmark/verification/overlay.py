"""A store over another one, which is read and never written to."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from peephole.store.store import Store


class OverlayStore(Store):
    """What is made anew is written to, and read from, a folder of its own; all else is read from the store below.

    Args:
        root: the folder for what is made anew.
        below: the store that is read through.
        anew: digests of the units that are to be made anew, so that what is below does not count.
    """

    def __init__(self, root: Path, below: Store, anew: Collection[str]) -> None:
        super().__init__(root)
        self._below = below
        self._anew = frozenset(anew)

    def path(self, kind: str, digest: str) -> Path:
        """Where a shard lies, or would lie: below if it is there and not made anew."""
        below = self._below.path(kind, digest)
        if digest in self._anew or not below.with_suffix(".json").exists():
            return super().path(kind, digest)
        return below

    def digests(self, kind: str) -> set[str]:
        """The shards of a kind that have receipts, here or below."""
        return super().digests(kind) | (self._below.digests(kind) - self._anew)

    def sizes(self, kind: str) -> dict[str, int]:
        """The same with their lengths in bytes."""
        below = {digest: size for digest, size in self._below.sizes(kind).items() if digest not in self._anew}
        return {**below, **super().sizes(kind)}

    def discard(self, kind: str, digest: str) -> None:
        """Take a shard away that was made anew; what lies below counts as missing from now on, and stays."""
        self._anew |= {digest}
        super().discard(kind, digest)
