"""Weights as they come in files, and where they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from peephole.attributions.classifier import Classifier
from peephole.errors import PeepholeError

KEYS = ("state_dict", "model_state_dict", "model")
"""Where training scripts keep the weights in a checkpoint."""

PREFIXES = ("module.", "_orig_mod.")
"""What `torch.nn.DataParallel` and `torch.compile` put before the names of weights."""


def read_state(path: Path, expected: str) -> dict[str, Tensor]:
    """The state dict in a PyTorch file: the file's content, or in a checkpoint what it keeps under one of `KEYS`.

    Names are without the prefixes of wrappers. Nothing is unpickled but tensors and plain values.

    Args:
        path: the file.
        expected: what to say was expected.

    Raises:
        PeepholeError: the file cannot be read as tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever the bytes make it raise
        raise PeepholeError(f"{path} is no file of weights ({type(error).__name__}); {expected}.") from error
    inside = [content[key] for key in KEYS if key in content] if isinstance(content, Mapping) else []
    state = next((value for value in inside if isinstance(value, Mapping)), content)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise PeepholeError(f"{path} holds something else than weights; {expected}.")
    return _bare(dict(state))


def _bare(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return _bare({name.removeprefix(prefix): value for name, value in state.items()})
    return state


def fill(network: Classifier, state: Mapping[str, Tensor], origin: str, expected: str) -> None:
    """Fill ``network`` with a state dict, either of the classifier or of the bare network.

    Args:
        network: what is filled.
        state: tensors by name.
        origin: what to call the state dict in messages.
        expected: what to say was expected.

    Raises:
        PeepholeError: the tensors do not fit the network; the message names the first that does not.
    """
    whole = state.keys() != network.network.state_dict().keys() and any(name.startswith("network.") for name in state)
    module: nn.Module = network if whole else network.network
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise PeepholeError(
            f"the weights in {origin} do not fit the model ({_mismatch(module, state) or error}); {expected}."
        ) from error


def _mismatch(module: nn.Module, state: Mapping[str, Tensor]) -> str:
    """The first weight of the model that the state dict has otherwise or not at all, or has and the model has not."""
    wanted = module.state_dict()
    shaped = [name for name, value in wanted.items() if name in state and state[name].shape != value.shape]
    missing = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted]
    wrong = len(shaped) + len(missing) + len(unknown)
    more = f", and {wrong - 1} more" if wrong > 1 else ""
    if shaped:
        name = shaped[0]
        return f"{name} is {list(state[name].shape)}, expected {list(wanted[name].shape)}{more}"
    if missing:
        return f"{missing[0]} is missing{more}"
    return f"{unknown[0]} is unknown{more}" if unknown else ""
