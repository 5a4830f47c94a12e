"""The canonical graph of a network: one module a call site, layers with names, cuttable at each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from peephole.attributions.operations import KnownShape
from peephole.attributions.site import Cut, Site
from peephole.errors import UnknownName

Caller = Callable[[Site], Callable[..., Any]]
"""Says for a call site what is called there."""


def its_module(site: Site) -> Callable[..., Any]:
    """What a call site calls unless a rule says otherwise."""
    return site.module


class Canonical(nn.Module):
    """A network in which every call site has a module of its own, nothing works in place, and no weight is trained.

    Made by `peephole.attributions.graph.canonicalise`. Called with pictures ``[B,C,H,W]`` in [0,1] it returns logits
    ``[B,classes]``; the modules stand under their own paths in ``network``, so that other libraries find them.

    Attributes:
        sites: the call sites in the order in which they run.
        cuts: the names of all cut points, from ``input`` to the logits.
        layers: the names of those that count as layers, in order. The first is ``input``: the picture as the network
            gets it, after the model's own `Normalise` if it has one.
        shapes: the shape of each cut point without the batch, for pictures of the size the graph was made with; of
            one that has places, channels, height and width, whatever the order of the tensor's own axes.
        channels_last: whether the network computes the same of pictures whose channels lie last in memory.
        one_size: whether the network's code decided by the size of its pictures, so that the graph holds for that only.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        cuts: Sequence[Cut],
        layers: Sequence[str],
        *,
        channels_last: bool = True,
        one_size: bool = False,
    ) -> None:
        super().__init__()
        self.channels_last, self.one_size = channels_last, one_size
        self.network = nn.Module()
        for site in sites:
            _place(self.network, site)
        self.sites = tuple(sites)
        self.layers = tuple(layers)
        self.cuts = tuple(cut.name for cut in cuts)
        self.shapes = {cut.name: cut.spatial for cut in cuts}
        self._cuts = {cut.name: cut for cut in cuts}
        self._position = {site.output: position for position, site in enumerate(sites)}
        last_reader = {value: position for position, site in enumerate(sites) for value in site.inputs}
        self._shapes_of: dict[str, tuple[Site, ...]] = {}
        self._spent: tuple[list[int], ...] = tuple([] for _ in sites)
        for value, position in last_reader.items():
            self._spent[position].append(value)

    @property
    def size(self) -> tuple[int, ...]:
        """The shape ``(C, H, W)`` of the pictures that the graph was made with."""
        return self.shapes[self.cuts[0]]

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B,classes]`` of pictures ``x``."""
        logits: Tensor = self.run(x)[0]
        return logits

    def cut(self, name: str) -> Cut:
        """The cut point of this name.

        Raises:
            UnknownName: there is none; the message lists those that there are.
        """
        if name not in self._cuts:
            raise UnknownName("cut point", name, self.cuts)
        return self._cuts[name]

    def depth(self, name: str) -> int:
        """How many call sites lie below the cut point, its own included: orders cut points from the picture up."""
        return self._position[self.cut(name).value] + 1

    def module(self, name: str) -> nn.Module:
        """The module whose output is the cut point: what libraries that hook modules need."""
        return self.sites[self.depth(name) - 1].module

    def above(self, name: str) -> Canonical:
        """The part of the network above a cut point: takes that tensor, returns the logits.

        Its first layer is ``name``. It shares its modules with this graph.
        """
        cut, start = self.cut(name), self.depth(name)
        entry = Site("input", nn.Identity().eval(), (0,), cut.value)
        cuts = [self._cuts[other] for other in self.cuts if self.depth(other) >= start]
        layers = [name, *(layer for layer in self.layers if self.depth(layer) > start)]
        return self.rebuilt([entry, *self._carried(name), *self.sites[start:]], cuts, layers)

    def rebuilt(self, sites: Sequence[Site], cuts: Sequence[Cut], layers: Sequence[str]) -> Canonical:
        """A graph of other sites, with what holds for the network as a whole."""
        flags = {"channels_last": self.channels_last, "one_size": self.one_size}
        return Canonical(sites, cuts, layers, **flags).eval()

    def picture(self, name: str, values: Tensor) -> Tensor:
        """The tensor at a cut point, or one of its shape, as ``[B,C,h,w]``; as it is if it has no places."""
        frame = self.cut(name).frame
        return values if frame is None else frame.picture(values)

    def _carried(self, name: str) -> list[Site]:
        """What the part above a cut point must know of the shapes below it."""
        cut, start = self._cuts[name], self.depth(name)
        made = {site.output for site in self.sites[start:]} | {cut.value}
        needed = {value for site in self.sites[start:] for value in site.inputs} - made
        carried: list[Site] = []
        for site in reversed(self.sites[:start]):
            if site.output not in needed:
                continue
            if site.read is None:
                carried.append(site)
                needed.update(site.inputs)
            else:
                axis, rows = cut.batch
                shape = (*cut.shape[:axis], rows, *cut.shape[axis:])
                known = KnownShape(*site.read, shape, axis)
                carried.append(replace(site, module=known, inputs=(cut.value,)))
        return carried[::-1]

    def run(
        self,
        value: Any,
        *,
        after: str | None = None,
        until: str | None = None,
        keep: Sequence[str] = (),
        call: Caller = its_module,
    ) -> tuple[Any, dict[str, Tensor]]:
        """Run the call sites between two cut points.

        Args:
            value: the pictures, or the tensor at ``after``.
            after: where to start; at the pictures if not given.
            until: where to stop; at the logits if not given.
            keep: cut points in between, ends included, whose tensors are wanted.
            call: what to call at each site.

        Returns:
            The tensor at the end, and the tensors that were to be kept.
        """
        first = 0 if after is None else self.depth(after)
        last = len(self.sites) if until is None else self.depth(until)
        values = {0 if after is None else self.cut(after).value: value}
        names = {self.cut(name).value: name for name in keep}
        kept = {names[number]: value for number in values if number in names}
        if after is not None:
            if after not in self._shapes_of:
                self._shapes_of[after] = tuple(self._carried(after))
            for site in self._shapes_of[after]:
                values[site.output] = site.module(*[values[number] for number in site.inputs])
        for site, spent in zip(self.sites[first:last], self._spent[first:last], strict=True):
            value = call(site)(*[values[number] for number in site.inputs])
            for number in spent:
                values.pop(number, None)
            values[site.output] = value
            if site.output in names:
                kept[names[site.output]] = value
        return value, kept


def _place(root: nn.Module, site: Site) -> None:
    """Put the site's module under its path; what lies on the way becomes a plain container."""
    *scopes, leaf = site.name.split(".")
    parent = root
    for scope in scopes:
        if scope not in dict(parent.named_children()):
            parent.add_module(scope, nn.Module().eval())
        parent = parent.get_submodule(scope)
    parent.add_module(leaf, site.module)
