"""Shards that the board of a folder does not need, and taking them away; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peephole.errors import PeepholeError
from peephole.leaderboard.tables import SCORES, read_csv
from peephole.request import REQUEST, read_request
from peephole.runner import plan_run
from peephole.store.contents import kinds
from peephole.store.store import Store
from peephole.submissions.folder import stored
from peephole.verification.staleness import LINE, planned, stale_lines


@dataclass(frozen=True)
class Unused:
    """What was taken away, or would be: by kind how many shards and bytes; and how many are needed."""

    kinds: dict[str, tuple[int, int]]
    kept: int

    @property
    def count(self) -> int:
        """Shards of all kinds."""
        return sum(count for count, _ in self.kinds.values())

    @property
    def bytes(self) -> int:
        """Of all kinds."""
        return sum(size for _, size in self.kinds.values())

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        found = {kind: {"shards": count, "bytes": size} for kind, (count, size) in self.kinds.items()}
        return {"shards": self.count, "bytes": self.bytes, "kept": self.kept, "kinds": found}


def take_unused(folder: Path, store: Store, *, data: Path | None = None, dry: bool = False) -> Unused:
    """Take away the shards that the folder's run, as its request.json says, does not need.

    Args:
        folder: of the run. What its submissions need counts as needed.
        store: the folder's.
        data: the folder with the user's data sets.
        dry: only look.

    Raises:
        PeepholeError: somebody is at work on the store; the request cannot be read or planned; lines of the board are
            made of what the code, or the request, of now does not need; or there are shards that are newer than the
            board, such as those of a part of a run.
    """
    if held := store.leases.alive():
        raise PeepholeError(
            f"somebody is at work on {folder} ({held[0].work.label}, on {held[0].owner.host}); what a run that goes on "
            "needs is not known, wait for its end."
        )
    request = read_request(folder)
    plan = plan_run(request.suite, data=data, options=request.options, submissions=stored(folder))
    needed = {unit.digest for unit in plan.units}
    there = {kind: store.sizes(kind) for kind in kinds(store)}
    scores = read_csv(folder / SCORES)
    _, lost = stale_lines(scores, plan, store, {one for found in there.values() for one in found}, {})
    lost |= set(scores[list(LINE)].astype(str).itertuples(index=False, name=None)) - planned(plan).keys()
    if lost:
        raise PeepholeError(
            f"{len(lost)} scores on the board of {folder} were made by other code, or asked for otherwise, than now, "
            f"and what they were made of would be taken away; do the run again first, with --out {folder}."
        )
    written = min((folder / name).stat().st_mtime for name in (SCORES, REQUEST))
    newer = sum(
        store.path(kind, digest).stat().st_mtime > written
        for kind, found in there.items()
        for digest in found
        if digest not in needed
    )
    if newer:
        raise PeepholeError(
            f"{newer} shards that the board of {folder} does not need are newer than it, such as those of a part of a "
            f"run; do the run again first, with --out {folder}, and what it does not need then is unused."
        )
    taken: dict[str, tuple[int, int]] = {}
    for kind, found in there.items():
        unneeded = {digest: size for digest, size in found.items() if digest not in needed}
        if unneeded:
            taken[kind] = (len(unneeded), sum(unneeded.values()))
        for digest in () if dry else unneeded:
            lease = store.leases.take(digest, "take away what is unused")
            if lease is not None:
                store.discard(kind, digest)
                lease.release()
    return Unused(taken, sum(digest in needed for found in there.values() for digest in found))
