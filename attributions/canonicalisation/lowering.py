"""From a traced graph to call sites of known operations."""

from __future__ import annotations

import copy
import itertools
import operator
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node
from torch.fx.node import map_arg

from peephole.attributions.canonicalisation.calls import module_of, with_known_size, without_hooks, without_indices
from peephole.attributions.canonicalisation.naming import AVERAGES, by_name, by_name_at_last, torch_name
from peephole.attributions.canonicalisation.probing import probe
from peephole.attributions.canonicalisation.reading_weights import Parts, linear_parts
from peephole.attributions.operations import Call, Operation, Part, Slot, is_hooked, operation_of
from peephole.attributions.site import Site
from peephole.attributions.tracing import CallTracer, is_of_shapes, reads_kind
from peephole.errors import PeepholeError

FIELDS = {"values": 0, "indices": 1}
"""The places of what torch returns by name."""


@dataclass
class Lowered:
    """A network as call sites.

    Attributes:
        sites: in the order in which they run.
        names: of the values that they return.
        shapes: of those that are tensors, for the example pictures.
    """

    sites: list[Site] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)


@torch.no_grad()
def lower(graph: Graph, tracer: CallTracer, model: nn.Module, pictures: Tensor) -> Lowered:
    """The call sites that the logits depend on, each with what it computes.

    What does not depend on the picture is worked out once and becomes a constant. A call whose name does not say what
    it computes is asked with numbers, see `peephole.attributions.canonicalisation.probing.probe`. A part of a tuple
    that a call returns is a site of its own, which makes that call again.

    Args:
        graph: of ``model``.
        tracer: that made it.
        model: ours, see `peephole.attributions.canonicalisation.own_copy.own_copy`.
        pictures: ``[2,C,H,W]``.

    Raises:
        PeepholeError: the model does not return one tensor.
    """
    output = next(node for node in graph.nodes if node.op == "output").args[0]
    if not isinstance(output, Node):
        raise PeepholeError(f"{type(model).__name__} does not return one tensor; wrap it so that it returns logits.")
    picture = next((node for node in graph.nodes if node.op == "placeholder"), None)
    needed = _ancestors(output)
    reads = Counter(each for node in needed for each in node.all_input_nodes)
    found, numbers = Lowered(shapes={0: tuple(pictures.shape)}), {picture: 0} if picture else {}
    if picture is not None:
        picture.meta["shape"] = tuple(pictures.shape)
    constants: dict[Node, Any] = {}
    values: dict[Node, Any] = {picture: pictures} if picture else {}
    parts: dict[Node, tuple[nn.Module, tuple[Node, ...]]] = {}
    origins: dict[Node, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    seen: set[nn.Module] = set()
    kept: set[Node] = set()
    fresh = itertools.count(1)
    for node in graph.nodes:
        if node not in needed or node is picture:
            continue
        if not any(each in values for each in node.all_input_nodes):
            constants[node] = _constant(node, model, constants)
            continue
        if reads_kind(node):
            constants[node] = _constant(node, model, constants | {each: values[each] for each in node.all_input_nodes})
            continue
        args, kwargs = map_arg((node.args, node.kwargs), lambda each: constants.get(each, each))
        part = _part(node, args, parts, origins)
        module, inputs = part[:2] if part else module_of(node, model, args, kwargs)
        if any(each in seen for each in module.modules()):
            module = copy.deepcopy(module)
        seen.update(module.modules())
        given = [values[each] for each in inputs]
        value = module.eval()(*given)
        if node.op == "call_module":
            module = without_hooks(module, given)
            if with_known_size(module, given, value) is not module:
                tracer.decided_by_shape |= len(inputs) > 1
                module, inputs, given = with_known_size(module, given, value), inputs[:1], given[:1]
        known = part[2] if part else None
        steps: Parts = ()
        if is_of_shapes(node):
            known = Operation.SHAPE
        elif isinstance(value, tuple | list):
            parts[node] = module, inputs
            origins[node] = args, kwargs
            kept.update(inputs)
        elif known is None:
            reads_values = [each if not is_of_shapes(each) else None for each in inputs]
            understood = _understood(module, reads_values, given)
            steps, (module, known) = tuple(understood[:-1]), understood[-1]
        if node.op == "call_module" and is_hooked(module):
            steps, known = (), Operation.OPAQUE
        reading = tuple(numbers[each] for each in inputs)
        for before, operation in steps:
            given = [before(*given)]
            number, name = next(fresh), tracer.fresh_name(tracer.sites[node])
            found.shapes[number], found.names[number] = tuple(given[0].shape), name
            found.sites.append(Site(name, before, reading, number, operation))
            reading = (number,)
        numbers[node] = number = next(fresh)
        values[node] = value
        if isinstance(value, Tensor):
            node.meta["shape"] = found.shapes[number] = tuple(value.shape)
        found.sites.append(Site(tracer.sites[node], module, reading, number, known))
        found.names[number] = tracer.returned.get(node, tracer.sites[node])
        for each in set(node.all_input_nodes):
            reads[each] -= 1
            if not reads[each] and each in values and each not in kept:
                values[each] = None
    if output not in numbers:
        raise PeepholeError(f"{type(model).__name__} returns what does not depend on its pictures; expected logits.")
    return _served(found, numbers[output])


def _ancestors(output: Node) -> set[Node]:
    wanted, waiting = {output}, [output]
    while waiting:
        for each in waiting.pop().all_input_nodes:
            if each not in wanted:
                wanted.add(each)
                waiting.append(each)
    return wanted


def _constant(node: Node, model: nn.Module, constants: dict[Node, Any]) -> Any:
    """What a node that does not depend on the picture gives."""
    if node.op == "get_attr":
        return operator.attrgetter(str(node.target))(model)
    if node.op == "placeholder":
        return node.args[0] if node.args else None
    args, kwargs = map_arg((node.args, node.kwargs), lambda each: constants[each])
    if node.op == "call_module":
        return model.get_submodule(str(node.target))(*args, **kwargs)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    return node.target(*args, **kwargs)  # type: ignore[operator]


def _part(
    node: Node,
    args: tuple[Any, ...],
    parts: dict[Node, tuple[nn.Module, tuple[Node, ...]]],
    origins: dict[Node, tuple[tuple[Any, ...], dict[str, Any]]],
) -> tuple[nn.Module, tuple[Node, ...], Operation] | None:
    """Part of what a call returns, as one site with that call, if the node is that."""
    if node.target not in (operator.getitem, getattr) or args[0] not in parts or isinstance(args[1], Node):
        return None
    module, inputs = parts[args[0]]
    index = FIELDS.get(args[1], args[1]) if isinstance(args[1], str) else args[1]
    if isinstance(index, str):
        return None
    pool = index == 0 and without_indices(module, args[0], *origins[args[0]])
    if pool:
        return pool, inputs, Operation.MAXIMUM
    operation = by_name(module) or by_name_at_last(module)
    return Call(Part(module, index), tuple(map(Slot, range(len(inputs))))), inputs, operation


def _understood(module: nn.Module, inputs: list[Node | None], given: list[Any]) -> list[tuple[nn.Module, Operation]]:
    """The modules that one after the other are the call, and what each computes: itself, or some of torch.

    Args:
        module: of the call site.
        inputs: what it reads; None where that is known from shapes.
        given: the values.
    """
    operation = by_name(module)
    places = [place for place, each in enumerate(inputs) if each is not None]
    one = len({inputs[place] for place in places}) == 1
    if not one or not (operation is None or len(places) > 1) or not isinstance(given[places[0]], Tensor):
        operation = operation or by_name_at_last(module)
        # The larger of two tensors is no maximum over places.
        return [(module, Operation.OPAQUE if operation is Operation.MAXIMUM and not one else operation)]

    def function(value: Tensor) -> Tensor:
        output: Tensor = module(*[value if place in places else other for place, other in enumerate(given)])
        return output

    like = given[places[0]]
    found = probe(function, like)
    if found is None:
        return [(module, operation or by_name_at_last(module))]
    operation = found.operation
    summed = torch_name(module) in AVERAGES
    if len(given) == 1 and operation in (Operation.AFFINE, Operation.AVERAGE) and not summed:
        parts = linear_parts(function, like)
        if parts is not None:
            return list(parts)
    if operation is Operation.AVERAGE and not summed:
        operation = Operation.AFFINE  # a lone negative weight among many may hide from the numbers that were tried
    if found.modules and len(given) == 1:
        *before, last = found.modules
        return [*((each.eval(), operation_of(each)) for each in before), (last.eval(), _operation(last, operation))]
    return [(module, operation)]


def _operation(module: nn.Module, found: Operation) -> Operation:
    """What a module of torch computes; the identity is a rearrangement."""
    own = operation_of(module)
    return found if own is Operation.OPAQUE else own


def _served(found: Lowered, output: int) -> Lowered:
    """Without the sites whose values nothing reads any more, numbered anew."""
    wanted = {output}
    kept: list[Site] = []
    for site in reversed(found.sites):
        if site.output in wanted:
            kept.append(site)
            wanted.update(site.inputs)
    number = {0: 0} | {site.output: index for index, site in enumerate(reversed(kept), start=1)}
    return Lowered(
        [
            replace(site, inputs=tuple(number[each] for each in site.inputs), output=number[site.output])
            for site in reversed(kept)
        ],
        {number[value]: name for value, name in found.names.items() if value in number},
        {number[value]: shape for value, shape in found.shapes.items() if value in number},
    )
