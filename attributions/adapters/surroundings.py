"""A library's call leaves the world as it was: random states, warnings, the model."""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from peephole.errors import PeepholeError

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


@contextmanager
def random_states_kept(device: torch.device) -> Iterator[None]:
    """Python's, NumPy's and torch's global random states are afterwards what they were before."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the libraries draw from it
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def seed_all(seed: int, device: torch.device) -> None:
    """Seed the global random states that `random_states_kept` puts back, and no others."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def seed_of(picture: Tensor, seed: int) -> int:
    """A seed for one picture: the same wherever the picture stands in a batch, and another for any other picture."""
    content = picture.detach().cpu().numpy().tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=7, salt=seed.to_bytes(8, "little")).digest(), "little")


@contextmanager
def quiet(module: str) -> Iterator[None]:
    """Warnings of a library, and of torch about the library's hooks, are not shown."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks|Input Tensor .* did not already")
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        yield


@contextmanager
def tidied(model: nn.Module) -> Iterator[None]:
    """Attributes that a library has put at the model's modules are taken away: they hold whole batches."""
    before = {module: set(module.__dict__) for module in model.modules()}
    try:
        yield
    finally:
        for module, names in before.items():
            for name in set(module.__dict__) - names:
                delattr(module, name)


@contextmanager
def untouched(name: str, model: nn.Module) -> Iterator[None]:
    """What runs inside must leave the model's weights, mode and hooks alone.

    Weights are compared by identity and by the counter that every write raises, not by value.

    Raises:
        PeepholeError: something of the model is not as it was, also where what ran inside has failed.
    """
    before = _facts(model)
    failed: PeepholeError | None = None
    try:
        yield
    except PeepholeError as error:
        failed = error
    changed = _difference(before, _facts(model))
    if changed is not None:
        why = f" It failed, too: {failed}" if failed else ""
        raise PeepholeError(
            f"{name} {changed}; expected the model left as it was: canonicalise it again before using it.{why}"
        ) from failed
    if failed is not None:
        raise failed


Facts = dict[str, tuple[object, ...]]
"""What is found at the model, by how a sentence would say that it has changed."""


def _facts(model: nn.Module) -> Facts:
    facts: Facts = {}
    for path, module in model.named_modules():
        facts[f"changed the mode of module '{path}'"] = (module.training,)
        facts[f"left hooks behind at module '{path}'"] = tuple(key for kind in HOOKS for key in getattr(module, kind))
    for path, tensor in (*model.named_parameters(), *model.named_buffers()):
        # The tensor itself is held, so that its identity cannot be given to another.
        facts[f"changed the weights '{path}'"] = (_Same(tensor), tensor._version)
        facts[f"left requires_grad of the weights '{path}' changed"] = (tensor.requires_grad,)
    return facts


class _Same:
    """Equal to what holds the very same object."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.held is other.held

    __hash__ = None  # type: ignore[assignment]


def _difference(before: Facts, after: Facts) -> str | None:
    if before.keys() != after.keys():
        missing = sorted(before.keys() ^ after.keys())[0]
        return f"added or took away modules or weights (it {missing})"
    return next((change for change, fact in before.items() if after[change] != fact), None)
