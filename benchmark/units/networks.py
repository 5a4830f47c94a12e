"""Networks as arrays and back: building, storing and loading weights. Never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.errors import PeepholeError
from peephole.models.base import MODELS
from peephole.units.base import Unit
from peephole.workspace import Workspace


def build(model: str, workspace: Workspace, dataset: Mapping[str, Any], seed: int) -> Classifier:
    """A freshly initialised network on the CPU that takes pictures in [0,1]; its weights depend on ``seed`` alone."""
    data = workspace.dataset(dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(Normalise(data.mean, data.std), MODELS[model]().build(len(data.classes)))


def weight_arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The network's parameters and buffers as arrays named ``weights/…``."""
    return {f"weights/{name}": value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def load(unit: Unit, workspace: Workspace) -> Classifier:
    """The network that a model unit made, on the workspace's device, in eval mode."""
    spec = unit.spec
    network = build(spec["model"], workspace, spec["dataset"], seed=0)
    state = {name: torch.from_numpy(np.array(array)) for name, array in workspace.read(unit).group("weights").items()}
    network.load_state_dict(state)
    return network.to(workspace.device).eval()


def load_file(path: Path, network: Classifier) -> None:
    """Fill ``network`` from a file with a PyTorch state dict, either of the classifier or of the bare network.

    Raises:
        PeepholeError: the file cannot be read as tensors, or they do not fit the network.
    """
    expected = f"expected a PyTorch state dict of tensors for {type(network.network).__name__}"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever the bytes make it raise
        raise PeepholeError(f"{path} is no file of weights ({type(error).__name__}); {expected}.") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise PeepholeError(f"{path} holds something else than weights; {expected}.")
    whole = any(name.startswith("network.") for name in state)
    module: nn.Module = network if whole else network.network
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise PeepholeError(f"the weights in {path} do not fit the model ({reason}…); {expected}.") from error
