"""What all adapters share: how a library is found, what surrounds its calls, and what is checked after them."""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from peephole.attributions.adapters.installed import not_installed
from peephole.attributions.adapters.signatures import fitting, spelt
from peephole.attributions.adapters.surroundings import (
    quiet,
    random_states_kept,
    seed_all,
    seed_of,
    tidied,
    untouched,
)
from peephole.attributions.canonical import Canonical
from peephole.attributions.checked import check_maps
from peephole.attributions.validation import check_call
from peephole.errors import PeepholeError

Maps = dict[str, Tensor]


class Library(ABC):
    """An adapter that says what it calls; see `peephole.attributions.adapters.base.Adapter`.

    Around the call: gradients are on, the global random states are put back and seeded from the option ``seed``, the
    library's warnings are not shown, what it raises becomes one `PeepholeError`, the model must stay as it was, and
    the maps are checked and copied.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    distribution: ClassVar[str]
    extra: ClassVar[str]
    module: ClassVar[str]

    def __init__(self, method: str, options: Mapping[str, object]) -> None:
        self.library = self._import()
        unfit = self.unfit()
        for refused in fitting(method, unfit):
            raise PeepholeError(f"{self.extra}:{refused} cannot explain a layer: {unfit[refused]}.")
        known = self.methods()
        self.method = spelt(f"{self.extra} method", method, known)
        self.called: Any = known[self.method]
        self.name = f"{self.extra}:{self.method}"
        self.seed = _seed(self.name, options.get("seed", 0))
        self.options = {name: value for name, value in options.items() if name != "seed"}

    @classmethod
    def _import(cls) -> Any:
        if importlib.util.find_spec(cls.module) is None:
            raise not_installed(cls.distribution, cls.extra)
        try:
            return importlib.import_module(cls.module)
        except ImportError as error:
            raise PeepholeError(
                f"{cls.distribution} cannot be imported ({error}); mend it: pip install 'peephole[{cls.extra}]'."
            ) from error

    @abstractmethod
    def methods(self) -> Mapping[str, object]:
        """The library's methods that can be called here, by name."""

    def unfit(self) -> Mapping[str, str]:
        """The library's other methods, and why they cannot be called."""
        return {}

    @abstractmethod
    def maps(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        """Call the library for all ``layers``. ``x`` and ``target`` may be written to."""

    def one_by_one(self, model: Canonical, layer: str) -> bool:
        """Whether pictures must not share a call, as the method lets them see each other or share random draws."""
        return False

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        """The map of every layer; see `Attribution.attribute`.

        Maps may also have the picture's size: ``[B,c,H,W]`` or ``[B,1,H,W]``.

        Raises:
            PeepholeError: the arguments are not what the interface asks for, the library failed, its maps are not
                what maps must be, or it did not leave the model as it was.
        """
        check_call(model, x, target, layers)
        with (
            untouched(self.name, model),
            tidied(model),
            random_states_kept(x.device),
            quiet(self.module),
            torch.enable_grad(),
        ):
            found = self._seeded(model, x, target, layers)
        maps = check_maps(self.name, found, model, x, layers)
        # Detached and in memory of their own, whatever the library holds on to.
        return {layer: maps[layer].detach().to(x, copy=True).contiguous() for layer in layers}

    def _seeded(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        alone = [layer for layer in layers if self.one_by_one(model, layer)]
        found: Maps = {}
        if together := [layer for layer in layers if layer not in alone]:
            seed_all(self.seed, x.device)
            found |= self._guarded(model, x, target, together)
        single: list[Maps] = []
        for picture, label in zip(x.split(1), target.split(1), strict=True):
            if alone:
                seed_all(seed_of(picture, self.seed), x.device)
                single.append(self._guarded(model, picture, label, alone))
        return found | {layer: torch.cat([maps[layer] for maps in single]) for layer in alone}

    def _guarded(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        try:
            maps: Maps = self.maps(model, x.detach().clone(), target.clone(), layers)
        except (PeepholeError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # another library's code runs here, and may raise anything
            reason = " ".join(str(error).split())[:300]
            raise PeepholeError(
                f"{self.name} failed on this model ({type(error).__name__}: {reason}); look the method up in "
                f"{self.distribution}'s documentation, or leave it out."
            ) from error
        # A library knows the tensor as the network has it; where its axes are no picture's, the map is turned here.
        return {
            layer: model.picture(layer, values) if _is_raw(model, layer, values) else values
            for layer, values in maps.items()
        }


def _is_raw(model: Canonical, layer: str, values: object) -> bool:
    cut = model.cut(layer)
    turned = cut.frame is not None and not cut.frame.is_plain
    return turned and isinstance(values, Tensor) and tuple(values.shape[1:]) == cut.shape


def _seed(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise PeepholeError(f"seed {value!r} of {name} is no seed; expected a whole number from 0 on.")
    return value


def classes(namespace: Any, names: Collection[str]) -> dict[str, type]:
    """The classes among the ``names`` of a module, by name."""
    found = {name: getattr(namespace, name) for name in names if not name.startswith("_")}
    return {name: value for name, value in found.items() if isinstance(value, type)}
