"""SIGTERM as an exception, as Python already has it for SIGINT: schedulers send it before they kill."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from peephole.cli.streams import say

STOPPED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end."""


def raise_on_termination() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread; trainings save their state first."""
    signal.signal(signal.SIGTERM, _raise)


@contextmanager
def stoppable() -> Iterator[None]:
    """Work that can be stopped by ctrl-C or SIGTERM: then one line says how it goes on, and the exit code is theirs."""
    raise_on_termination()
    try:
        yield
    except KeyboardInterrupt as stop:
        say("peephole: stopped; what is done is kept, the same command goes on from there.", error=True)
        raise typer.Exit(TERMINATED if isinstance(stop, Terminated) else STOPPED) from None


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated
