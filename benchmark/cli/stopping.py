"""SIGTERM as an exception, as Python already has it for SIGINT: schedulers send it before they kill."""

from __future__ import annotations

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end."""


def raise_on_termination() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread; trainings save their state first."""
    signal.signal(signal.SIGTERM, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated
