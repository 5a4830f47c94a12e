"""The state of a training in a file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from peephole.files import write_atomically


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
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (FileNotFoundError, EOFError, RuntimeError, pickle.UnpicklingError):
            return None  # none, or one that a failing disk has damaged: the training starts anew
        return state if isinstance(state, dict) else None

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was saved before."""
        write_atomically(self.path, lambda file: torch.save(state, file))

    def discard(self) -> None:
        """The training is over."""
        self.path.unlink(missing_ok=True)
