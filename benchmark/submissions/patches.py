"""Whether torch is still what it was: functions and methods that somebody has put something else in the place of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

MODULES: tuple[ModuleType, ...] = (torch, nn, nn.functional, nn.init, torch.autograd, torch.random)
CLASSES: tuple[type, ...] = (
    *(Tensor, torch.autograd.Function),
    *(thing for thing in vars(nn).values() if isinstance(thing, type)),
)

FOLDER = Path(torch.__path__[0])

Fingerprint = Mapping[str, object]


def torch_as_it_is() -> Fingerprint:
    """What stands under each name of torch that people patch, by the name in full."""
    return {f"{name}.{key}": value for name, owner in _owners().items() for key, value in vars(owner).items()}


def replaced(before: Fingerprint) -> list[str]:
    """The names under which something else stands than before, sorted; and those of methods that classes have got.

    What modules get is no patch: torch loads much of itself when it is first used.
    """
    now = torch_as_it_is()
    classes = {_name(owner) for owner in CLASSES}
    other = [name for name, value in now.items() if name in before and not _same(before[name], value)]
    new = [name for name in now if name not in before and name.rpartition(".")[0] in classes and callable(now[name])]
    return sorted({*other, *new})


def _same(before: object, now: object) -> bool:
    """Whether it is the same thing, or what torch itself has wrapped around it, as its compiler does with
    ``torch.manual_seed`` when it is first imported.
    """
    if now is before:
        return True
    code = getattr(now, "__code__", None)
    of_torch = code is not None and Path(code.co_filename).is_relative_to(FOLDER)
    return of_torch and getattr(now, "__wrapped__", None) is before


def _owners() -> dict[str, ModuleType | type]:
    owners: tuple[ModuleType | type, ...] = (*MODULES, *CLASSES)
    return {_name(owner): owner for owner in owners}


def _name(owner: ModuleType | type) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"torch.nn.{owner.__name__}" if owner.__module__.startswith("torch.nn.") else f"torch.{owner.__qualname__}"
