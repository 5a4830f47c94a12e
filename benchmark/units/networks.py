"""Networks as arrays and back: building, storing and loading weights. Never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.leaderboard.examined import Examined
from peephole.models import named
from peephole.models.base import MODELS
from peephole.models.state_dicts import fill, read_state
from peephole.models.weights import KnowsWeights, is_named
from peephole.triggers import texts
from peephole.triggers.base import Canvas
from peephole.triggers.stamper import Stamper
from peephole.units.base import Unit
from peephole.workspace import Workspace


def build(model: str, workspace: Workspace, dataset: Mapping[str, Any], seed: int) -> Classifier:
    """A freshly initialised network on the CPU that takes pictures in [0,1]; its weights depend on ``seed`` alone.

    Raises:
        PeepholeError: the model does not exist, or is one of the user's own that cannot be had or that the user did not
            name, see `peephole.models.named`.
    """
    named.check_named(model, workspace.network)
    data = workspace.dataset(dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(Normalise(data.mean, data.std), named.build(model, len(data.classes), data.side))


def state_arrays(module: nn.Module, group: str) -> dict[str, NDArray[Any]]:
    """The module's parameters and buffers as arrays named ``group/…``."""
    return {f"{group}/{name}": value.detach().cpu().numpy() for name, value in module.state_dict().items()}


def _state(unit: Unit, workspace: Workspace, group: str) -> dict[str, torch.Tensor]:
    arrays = workspace.read(unit).group(group)
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def draw(unit: Unit, workspace: Workspace) -> Stamper:
    """The trigger of a poisoned model's spec, as it is before any training, on the workspace's device."""
    spec = unit.spec
    canvas = Canvas(spec["dataset"]["side"], spec["dataset"]["classes"])
    return texts.build(spec["trigger"]).draw(canvas, spec["seed"]).to(workspace.device)


def load_trigger(unit: Unit, workspace: Workspace) -> Stamper:
    """The trigger that a poisoned model was trained with, on the workspace's device, in eval mode."""
    stamper = draw(unit, workspace)
    stamper.load_state_dict(_state(unit, workspace, "trigger"))
    return stamper.eval().requires_grad_(False)


def load(unit: Unit, workspace: Workspace) -> Classifier:
    """The network that a model unit made, on the workspace's device, in eval mode."""
    network = build(unit.spec["model"], workspace, unit.spec["dataset"], seed=0)
    network.load_state_dict(_state(unit, workspace, "weights"))
    return network.to(workspace.device).eval()


def examined(unit: Unit, workspace: Workspace, steps: int) -> Examined:
    """The network that a model unit made, as metrics see it, with batch normalisation folded: a fifth faster."""

    def make() -> Examined:
        from peephole.attributions.folding import fold_batch_norm
        from peephole.attributions.graph import canonicalise

        classifier = load(unit, workspace)
        side = unit.spec["dataset"]["side"]
        network = fold_batch_norm(canonicalise(classifier.network, (len(classifier.normalise.mean), side, side)))
        return Examined(classifier.normalise, network, steps=steps)

    return workspace.keep(("examined", unit.digest, steps), make)


def load_weights(network: Classifier, spec: Mapping[str, Any], workspace: Workspace) -> None:
    """Fill ``network`` with the trained weights that the spec of a clean model names.

    Args:
        network: what is filled.
        spec: ``model``, and in ``weights`` what `peephole.models.weights.weights_identity` says.
        workspace: has the user's file, if it is one.

    Raises:
        PeepholeError: the weights cannot be had, or do not fit the network.
    """
    identity: str = spec["weights"]
    if is_named(identity):
        architecture = cast(KnowsWeights, MODELS[spec["model"]]())
        fill(network, architecture.pretrained(identity.rpartition(":")[2]), identity, _expected(network))
    else:
        load_file(workspace.weights_file(identity), network)


def load_file(path: Path, network: Classifier) -> None:
    """Fill ``network`` from a file with a PyTorch state dict, either of the classifier or of the bare network.

    It may stand in a checkpoint, and have been saved from a wrapper, see `peephole.models.state_dicts`.

    Raises:
        PeepholeError: the file cannot be read as tensors, or they do not fit the network.
    """
    expected = _expected(network)
    fill(network, read_state(path, expected), str(path), expected)


def _expected(network: Classifier) -> str:
    return f"expected a PyTorch state dict of tensors for {type(network.network).__name__}"
