"""Data sets that can be fetched, fetched; of others, where to get them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from tarfile import TarError
from urllib.error import HTTPError

from peephole.datasets.base import DATASETS
from peephole.errors import PeepholeError

# Of silence. Without it, a dead connection would wait for ever.
_SECONDS = 60.0


def download(name: str, folder: Path) -> None:
    """Make sure that a data set is in ``folder``; nothing happens if it is there already, or needs no files.

    A data set can be fetched if its class has a class method ``download(folder)``, which fetches it to where it is
    found when ``folder`` is given as the folder of data sets.

    Raises:
        PeepholeError: it is not there and cannot be fetched, or not from here.
    """
    dataset = DATASETS[name]
    try:
        dataset(folder=folder)
    except PeepholeError as missing:
        fetch: Callable[[Path], None] | None = getattr(dataset, "download", None)
        if fetch is None:
            raise PeepholeError(
                f"data set {name} cannot be downloaded ({dataset.source}); get it there; {missing}"
            ) from missing
        _fetch(fetch, name, folder)
        dataset(folder=folder)


def _fetch(fetch: Callable[[Path], None], name: str, folder: Path) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)
    try:
        fetch(folder)
    except (OSError, RuntimeError, HTTPException, TarError, EOFError) as error:
        if isinstance(error, HTTPError):  # holds the answer, and so the connection
            error.close()
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PeepholeError(
            f"download of {name} to {folder} failed ({reason}); expected a connection and room; "
            "try again, or place the files there by hand and give the folder with --data DIR"
        ) from error
    finally:
        socket.setdefaulttimeout(before)
