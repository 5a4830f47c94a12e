"""The state of a training in a file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from peephole.files import write_atomically

DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Checkpoint:
    """One file, written whole or not at all.

    Attributes:
        path: of the file.
        every: seconds between two saves.
    """

    path: Path
    every: float = 120.0

    def load(self) -> dict[str, Any] | None:
        """What was saved last: tensors and plain values, no code. None if there is nothing whole."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        digest, state = content[:DIGEST], content[DIGEST:]
        if hashlib.sha256(state).digest() != digest:
            return None  # damaged by a failing disk, which torch would not notice: the training starts anew
        loaded: dict[str, Any] = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        return loaded

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was saved before."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        write_atomically(self.path, partial(_write, content=content))

    def discard(self) -> None:
        """The training is over."""
        self.path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(hashlib.sha256(content).digest() + content)
