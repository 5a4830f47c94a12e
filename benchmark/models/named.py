"""Models by name: registered architectures, and the user's own as ``pkg.mod:factory``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peephole.errors import PeepholeError
from peephole.models.base import MODELS
from peephole.models.modules import module_digest, module_file

if TYPE_CHECKING:
    from torch import nn


def is_own(name: str) -> bool:
    """Whether a name is of the user's own network: a module, a colon, and what is called in it."""
    return ":" in name


def resolve(name: str) -> str:
    """The one spelling of a model's name; torch-free. Of the user's own, the module is found but not imported.

    Raises:
        UnknownName: no architecture is registered under it.
        PeepholeError: it is no ``pkg.mod:factory``, or there is no such module.
    """
    if not is_own(name):
        return MODELS.resolve(name)
    module, attribute = split(name)
    module_file(module)
    return f"{module}:{attribute}"


def digest(name: str) -> str:
    """A digest of the code that defines a model; torch-free. Of the user's own, see `module_digest`.

    Raises:
        PeepholeError: see `resolve`.
    """
    return module_digest(split(name)[0]) if is_own(name) else MODELS.digest(name)


def build(name: str, classes: int, side: int) -> nn.Module:
    """A network of normalised pictures ``[B,3,side,side]`` to logits ``[B,classes]``.

    Raises:
        PeepholeError: see `resolve`; or the user's own cannot be imported, is not there, cannot be called, or makes
            something else than such a network.
    """
    if not is_own(name):
        return MODELS[name]().build(classes)
    from peephole.models.factory import call

    return call(*split(name), classes, side)


def check_named(name: str, given: str | None) -> None:
    """Refuse the code of a network that only data name: whoever runs code says so.

    Args:
        name: of the network, as a plan or a spec has it.
        given: what the user named, on the command line or in a call; None if nothing.

    Raises:
        PeepholeError: it is a network of one's own, and not the one that the user named.
    """
    if not is_own(name):
        return
    named = ":".join(split(name))
    if given is None or not is_own(given) or ":".join(split(given)) != named:
        raise PeepholeError(
            f"the results name the code of a network, {named}, and no code is imported because a file says so; look "
            f"at it, and give --model {named} if it is to be run."
        )


def split(name: str) -> tuple[str, str]:
    """Module and attribute of ``pkg.mod:factory``.

    Raises:
        PeepholeError: it is none.
    """
    module, _, attribute = (part.strip() for part in name.partition(":"))
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))) or module.endswith(".py"):
        raise PeepholeError(
            f"'{name}' names no network; expected module:factory as in Python, such as nets:small_net for the function "
            "small_net in nets.py, or a model that `peephole list models` shows."
        )
    return module, attribute
