"""What a call has left behind: in the network, the pictures, torch, and the global random states."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from peephole.attributions.adapters.surroundings import HOOKS
from peephole.submissions.patches import Fingerprint, replaced

SETTINGS = {
    "the default dtype": torch.get_default_dtype,
    "whether gradients are kept": torch.is_grad_enabled,
    "the number of threads": torch.get_num_threads,
    "the deterministic algorithms": torch.are_deterministic_algorithms_enabled,
}


class Traces:
    """What there was before a call.

    Args:
        network: that is handed to the call.
        torch_before: see `peephole.submissions.patches`; from before the submission was loaded.
        given: the tensors that are handed to it, by name.
    """

    def __init__(self, network: nn.Module, torch_before: Fingerprint, given: Mapping[str, Tensor]) -> None:
        self._network, self._torch, self._given = network, torch_before, given
        self._held = _tensors(network)
        self._values = {name: tensor.detach().clone() for name, tensor in self._held.items()}
        self._wants = {name: tensor.requires_grad for name, tensor in self._held.items()}
        self._copies = {name: tensor.clone() for name, tensor in given.items()}
        self._modes = _modes(network)
        self._hooks = _hooks(network)
        self._attributes = _attributes(network)
        self._settings = {name: read() for name, read in SETTINGS.items()}
        self._random = _random_states()

    def changes(self, *, random: bool) -> list[list[str]]:
        """What is otherwise now: each with what it concerns (``weights``, ``mode``, ``hooks``, ``pictures``, ``torch``
        or ``random``) and a sentence's end. Attributes that were put at modules are taken away again.

        Args:
            random: whether a random state that has moved counts.
        """
        found: list[list[str]] = []
        now = _tensors(self._network)
        if now.keys() != self._held.keys():
            found.append(["weights", f"added or took away weights ({sorted(now.keys() ^ self._held.keys())[0]})"])
        for name in (name for name in self._held if name in now):
            if now[name] is not self._held[name] or not _equal(now[name], self._values[name]):
                found.append(["weights", f"changed the weights '{name}'"])
            elif now[name].requires_grad != self._wants[name]:
                found.append(["weights", f"left requires_grad of the weights '{name}' changed"])
        found += _differing(self._modes, _modes(self._network), "mode", "changed the mode of module '{}'")
        found += _differing(self._hooks, _hooks(self._network), "hooks", "left hooks behind at module '{}'")
        for name, tensor in self._given.items():
            if not _equal(tensor, self._copies[name]) or tensor.requires_grad:
                found.append(["pictures", f"changed {name}, which it was handed"])
        for name, read in SETTINGS.items():
            if read() != self._settings[name]:
                found.append(["torch", f"changed {name}"])
        found += [["torch", f"replaced {name}"] for name in replaced(self._torch)[:1]]
        if random and not _same_states(self._random, _random_states()):
            found.append(["random", "moved the global random state"])
        self._tidy()
        return found

    def _tidy(self) -> None:
        for module, names in self._attributes.items():
            for name in set(module.__dict__) - names:
                delattr(module, name)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return dict(itertools.chain(network.named_parameters(), network.named_buffers()))


def _modes(network: nn.Module) -> dict[str, object]:
    return {path: module.training for path, module in network.named_modules()}


def _hooks(network: nn.Module) -> dict[str, object]:
    return {
        path: tuple(key for kind in HOOKS for key in getattr(module, kind)) for path, module in network.named_modules()
    }


def _attributes(network: nn.Module) -> dict[nn.Module, set[str]]:
    return {module: set(module.__dict__) for module in network.modules()}


def _differing(before: Mapping[str, object], now: Mapping[str, object], concern: str, sentence: str) -> list[list[str]]:
    if before.keys() != now.keys():
        return [[concern, f"added or took away the module '{sorted(before.keys() ^ now.keys())[0]}'"]]
    return [[concern, sentence.format(path)] for path in before if before[path] != now[path]][:1]


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(a.detach(), b.detach()))


def _random_states() -> tuple[Any, Any, Tensor]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - the one that people draw from


def _same_states(a: tuple[Any, Any, Tensor], b: tuple[Any, Any, Tensor]) -> bool:
    same_numpy = all(np.array_equal(x, y) for x, y in zip(a[1], b[1], strict=True))
    return a[0] == b[0] and same_numpy and bool(torch.equal(a[2], b[2]))
