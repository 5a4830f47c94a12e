"""The network whose decisions are explained: of a run, or one that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from peephole.datasets.base import DATASETS, Dataset
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.imagenet import Imagenet
from peephole.devices import device_of
from peephole.errors import PeepholeError, UnknownName
from peephole.models import named
from peephole.models.base import MODELS
from peephole.texts.matching import one_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from peephole.attributions.classifier import Classifier
    from peephole.plan import Plan
    from peephole.units.clean_model import CleanModel
    from peephole.units.poisoned_model import PoisonedModelUnit

CLEAN = "clean"
"""What the model without a backdoor is called among those of a run."""
OWN = "own"
"""The weights that a network of the user's own comes with."""


@runtime_checkable
class Fits(Protocol):
    """A data set whose pictures are made square."""

    fit: CentreCrop | None


class NamesClasses(Protocol):
    """An architecture that knows what its weights tell apart."""

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of its weights."""
        ...

    def categories(self, name: str) -> tuple[str, ...]:
        """In words, in the order of the labels."""
        ...


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network with all that it takes to show it a picture.

    Attributes:
        network: on its device, in eval mode.
        device: the device.
        classes: the names of its labels.
        side: height and width of its pictures.
        described: what it is, for people.
        dataset: that it was trained on, if it is at hand.
        fit: how its data set makes pictures square; None if they are square already.
    """

    network: Classifier
    device: torch.device
    classes: tuple[str, ...]
    side: int
    described: str
    dataset: Dataset | None
    fit: CentreCrop | None


def of_run(
    folder: Path,
    *,
    trigger: str = CLEAN,
    seed: int | None = None,
    model: str | None = None,
    data: Path | None = None,
    device: str = "auto",
) -> Subject:
    """A model of a run.

    Args:
        folder: of the run.
        trigger: the backdoor that the model has, or `CLEAN`.
        seed: of the model; that of the run's first if not given.
        model: the ``module:factory`` of the run's network, if it is one of the user's own.
        data: the folder with the user's data sets.
        device: see `peephole.devices.device_of`.

    Raises:
        PeepholeError: there is no such run, or no such model in it; or its code is not that of ``model``.
    """
    from peephole.figures.results import Results
    from peephole.machine import Machine
    from peephole.units.networks import load

    results = Results(folder, data, Machine(device), network=model)
    unit = _chosen(results.plan, trigger, seed)
    if not results.has(unit):
        raise PeepholeError(
            f"the store of {folder} lacks this model ('{unit.label}'), as this version of peephole makes it; run the "
            "same suite once more."
        )
    workspace = results.workspace
    dataset = workspace.dataset(unit.spec["dataset"])
    kind = "a clean model" if trigger == CLEAN else f"a model with the backdoor {unit.spec['trigger']}"
    described = f"{unit.spec['model']} on {unit.spec['dataset']['name']}, {kind} of seed {unit.spec['seed']}"
    return Subject(
        load(unit, workspace), workspace.device, dataset.classes, dataset.side, described, dataset, _fit(dataset)
    )


def of_model(
    model: str,
    weights: str | None,
    *,
    dataset: str | None = None,
    side: int | None = None,
    data: Path | None = None,
    device: str = "auto",
) -> Subject:
    """A network by its name, with trained weights.

    Args:
        model: see `peephole.models.named`.
        weights: a file, a name that the model knows weights by, or `OWN`.
        dataset: the name of that it was trained on; by default ImageNet for an architecture that knows weights of it,
            which then need not be at hand.
        side: height and width of its pictures; by default as the data set says.
        data: the folder with the user's data sets.
        device: see `peephole.devices.device_of`.

    Raises:
        PeepholeError: there is no such network, it has no trained weights, or nobody says what it tells apart.
    """
    from peephole.attributions.classifier import Classifier, Normalise

    model = named.resolve(model)
    found = None if dataset is None else DATASETS[DATASETS.resolve(dataset)](side=side, folder=data)
    classes = _classes(model, weights, found)
    mean, std = (Imagenet.mean, Imagenet.std) if found is None else (found.mean, found.std)
    fit = CentreCrop.usual(side or USUAL) if found is None else _fit(found)
    side = (side or USUAL) if found is None else found.side
    built = named.build(model, len(classes), side)
    _refuse_scripted(model, built)
    network = Classifier(Normalise(mean, std), built)
    _fill(network, model, cast("str", weights))
    where = device_of(device)
    described = f"{model} with weights {Path(cast('str', weights)).name}"
    return Subject(network.to(where).eval().requires_grad_(False), where, classes, side, described, found, fit)


USUAL = 224
"""The side of pictures where nobody says another, as the classifiers of ImageNet have it."""


def _chosen(plan: Plan, trigger: str, seed: int | None) -> CleanModel | PoisonedModelUnit:
    seeds = list(dict.fromkeys(backdoor.seed for backdoor in plan.backdoors))
    seed = seeds[0] if seed is None else seed
    own = [backdoor for backdoor in plan.backdoors if backdoor.seed == seed]
    if not own:
        raise PeepholeError(f"the run has no model of seed {seed}; its seeds are {', '.join(map(str, seeds))}.")
    known = {backdoor.trigger: backdoor.model for backdoor in own}
    name = one_of(trigger, "model of this run", [CLEAN, *known])
    return own[0].clean if name == CLEAN else known[name]


def _classes(model: str, weights: str | None, dataset: Dataset | None) -> tuple[str, ...]:
    """The names of the labels; refuses a network that nobody has trained."""
    kind = None if named.is_own(model) else MODELS[model]
    knows = cast("NamesClasses", kind()) if kind is not None and hasattr(kind, "categories") else None
    if weights is None:
        own = f", or --weights {OWN} if {model} comes with them" if named.is_own(model) else ""
        name = ", or their name, such as IMAGENET1K_V1" if knows else ""
        raise PeepholeError(
            f"{model} is not trained, and there is nothing to explain; give --weights FILE{name}{own}, or --run DIR."
        )
    if weights == OWN and not named.is_own(model):
        raise PeepholeError(f"--weights {OWN} is for networks of your own; {model} is one of ours: give a file.")
    if knows is not None and weights.strip().isidentifier():
        return knows.categories(weights)
    if knows is not None and dataset is None:
        return knows.categories(knows.weights[0])
    if dataset is None:
        raise PeepholeError(
            f"nobody says what {model} tells apart; give --dataset NAME (and --data DIR), the data set it was trained "
            f"on: {', '.join(DATASETS.names())}."
        )
    return dataset.classes


def _refuse_scripted(name: str, network: nn.Module) -> None:
    """Refuse what cannot even be frozen."""
    import torch

    if any(isinstance(part, torch.jit.ScriptModule) for part in network.modules()):
        raise PeepholeError(f"{name} is a scripted module, whose code cannot be read; give the module it came from.")


def _fill(network: Classifier, model: str, weights: str) -> None:
    """Fill a network with weights that have a name, or with those of a file."""
    from peephole.models.state_dicts import fill
    from peephole.models.weights import is_named, weights_identity
    from peephole.units.networks import load_file

    if weights == OWN and named.is_own(model):
        return
    identity = weights_identity(model, weights)
    if not is_named(identity):
        load_file(Path(weights), network)
        return
    from peephole.models.weights import KnowsWeights

    fill(network, cast(KnowsWeights, MODELS[model]()).pretrained(weights), identity, f"expected weights of {model}")


def _fit(dataset: Dataset) -> CentreCrop | None:
    return dataset.fit if isinstance(dataset, Fits) else None


def label_of(text: str, classes: Sequence[str]) -> int:
    """The label that a number or a class's name means.

    Raises:
        PeepholeError: there is no such label.
    """
    if text.strip().lstrip("-").isdigit():
        number = int(text)
        if not 0 <= number < len(classes):
            raise PeepholeError(f"there is no label {number}; labels are 0 to {len(classes) - 1}: {_some(classes)}.")
        return number
    found = [number for number, name in enumerate(classes) if name.lower() == text.strip().lower()]
    if len(found) > 1:
        raise PeepholeError(f"labels {', '.join(map(str, found))} are all called '{text}'; give the number.")
    if not found and len(classes) <= FEW:
        raise UnknownName("class", text, classes)
    if not found:
        raise PeepholeError(
            f"there is no class '{text}' among {len(classes)}; give its number, or a name as in: {_some(classes)}."
        )
    return found[0]


FEW = 30
"""So many classes are listed."""


def _some(classes: Sequence[str]) -> str:
    return ", ".join(classes) if len(classes) <= FEW else f"{', '.join(classes[:5])}, …"
