"""Receipts: what is known of a shard without opening it. They are written after their shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from peephole.errors import PeepholeError
from peephole.hdf5_files import regular_file

MOST_BYTES = 64 * 1024 * 1024
"""The longest receipt that is read."""


@dataclass(frozen=True)
class Receipt:
    """What is known of a shard without opening it.

    Attributes:
        kind, digest: its name.
        spec: what made it; the digest is the digest of this.
        facts: the shard's, so that they are at hand without opening it.
        sha256, bytes: of the file.
        seconds: that it took to compute.
        created: UTC, ISO 8601.
        peephole_version: that wrote it.
    """

    kind: str
    digest: str
    spec: dict[str, Any]
    facts: dict[str, Any]
    sha256: str
    bytes: int
    seconds: float
    created: str
    peephole_version: str

    @property
    def inputs(self) -> dict[str, str]:
        """The digests of the units that the shard was made of, by role."""
        return dict(self.spec.get("inputs", {}))


_FIELDS = frozenset(field.name for field in fields(Receipt))


def read_receipt(path: Path) -> Receipt | None:
    """The receipt in a file; None if there is none, or one that a failing disk has garbled.

    Raises:
        PeepholeError: it is whole, and one of a later version: to take it for none would make its shard again. Or it
            is no regular file.
    """
    try:
        with regular_file(path, f"store/{path.parent.name}/{path.name}") as file:
            content = json.loads(file.read(MOST_BYTES + 1)[:MOST_BYTES])
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not content.keys() >= _FIELDS:
        return None
    if later := sorted(content.keys() - _FIELDS):
        raise PeepholeError(
            f"store/{path.parent.name}/{path.name} is a receipt of another version of peephole (it has "
            f"'{later[0]}'); use the one that wrote it ({content['peephole_version']}), or another output folder."
        )
    types = {"spec": dict, "facts": dict, "bytes": int, "sha256": str, "created": str}
    return Receipt(**content) if all(isinstance(content[name], kind) for name, kind in types.items()) else None


def spec_digest(spec: Mapping[str, Any]) -> str:
    """What the result of a spec is named by: SHA-256 of canonical JSON, the first 32 hexadecimal digits."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
