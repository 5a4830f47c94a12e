"""What is known of a library without importing it, or torch."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from peephole.attributions.adapters.base import ADAPTERS
from peephole.errors import PeepholeError


def library_version(name: str) -> str:
    """The installed version of an adapter's library, for example ``library_version("grad-cam")``.

    The distribution and the extra are named after the adapter, with ``-`` for ``_``.

    Raises:
        UnknownName: there is no adapter of this name.
        PeepholeError: the library is not installed; the message says how to install it.
    """
    distribution = ADAPTERS.resolve(name).replace("_", "-")
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise not_installed(distribution, distribution) from error


def not_installed(distribution: str, extra: str) -> PeepholeError:
    """The error that says how to install a library."""
    return PeepholeError(f"{distribution} is not installed; its methods need it: pip install 'peephole[{extra}]'.")
