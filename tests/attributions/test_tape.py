"""The record of a forward pass, and ways back through it."""

import pytest
import torch
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.operations import Operation
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way, one_hot

TARGET = torch.tensor([0, 4, 2])


@pytest.fixture
def canonical(residual):
    return canonicalise(residual.double())


@pytest.fixture
def x(pictures):
    return pictures.double()


@pytest.fixture
def tape(canonical, x):
    return Tape(canonical, canonical.run(x, until="input")[0], "input")


def plain(step):
    """The chain rule."""


def numbers(tape, names):
    return {tape.model.cut(name).value: name for name in names}


def expected_gradient(canonical, x, cut, target=TARGET):
    activation = canonical.run(x, until=cut)[0].detach().requires_grad_()
    score = canonical.above(cut)(activation).gather(1, target[:, None]).sum()
    return torch.autograd.grad(score, activation)[0]


def test_the_chain_rule_gives_gradients_at_all_cut_points(tape, canonical, x):
    assert torch.allclose(tape.logits, canonical(x), rtol=1e-12)
    found = tape.back(one_hot(tape.logits, TARGET), plain, keep=numbers(tape, canonical.cuts))
    assert set(found) == set(numbers(tape, canonical.cuts))
    for value, cut in numbers(tape, canonical.cuts).items():
        assert torch.equal(tape.activation(cut), canonical.run(x, until=cut)[0])
        assert torch.allclose(found[value], expected_gradient(canonical, x, cut), rtol=1e-12, atol=1e-14)


def test_gradients_against_central_differences(tape, canonical):
    found = Way.of({}).go(tape, TARGET, ("input",))["input"]
    start = tape.activation("input")
    step = torch.zeros_like(start)
    step[:, 1, 3, 4] = 1e-6
    high, low = (canonical.run(start + sign * step, after="input")[0].gather(1, TARGET[:, None]) for sign in (1, -1))
    assert torch.allclose((high - low)[:, 0] / 2e-6, found[:, 1, 3, 4], rtol=1e-5, atol=1e-8)


def test_a_record_begins_at_any_cut_point(canonical, x):
    for cut in canonical.cuts:
        tape = Tape(canonical, canonical.run(x, until=cut)[0], cut)
        assert len(tape.steps) == len(canonical.sites) - canonical.depth(cut)
        assert [step.position for step in tape.steps] == list(range(canonical.depth(cut), len(canonical.sites)))
        found = Way.of({}).go(tape, TARGET, (cut,))[cut]
        assert torch.allclose(found, expected_gradient(canonical, x, cut), rtol=1e-12, atol=1e-14)


def test_one_record_serves_many_ways(tape, canonical, x):
    calls = []
    modules = [site.module for site in canonical.sites]
    handles = [module.register_forward_hook(lambda *_: calls.append(1)) for module in modules]
    ways = [Way.of({}), Way.of({Operation.RELU: lambda step, signal: (signal,)}), Way.of({})]
    first, other, again = (way.go(tape, TARGET, canonical.layers) for way in ways)
    for handle in handles:
        handle.remove()
    assert not calls
    assert all(torch.equal(first[layer], again[layer]) for layer in canonical.layers)
    assert not torch.equal(first["input"], other["input"])
    one = Way.of({}).go(tape, torch.tensor([1, 1, 1]), ("input",))["input"]
    assert torch.allclose(one, expected_gradient(canonical, x, "input", torch.tensor([1, 1, 1])))


@pytest.mark.parametrize("grad_mode", [True, False])
def test_nothing_is_left_behind(canonical, x, grad_mode):
    rng = torch.get_rng_state()
    x.requires_grad_()
    with torch.set_grad_enabled(grad_mode):
        tape = Tape(canonical, canonical.run(x, until="input")[0], "input")
        found = Way.of({}).go(tape, TARGET, canonical.layers)
        assert torch.is_grad_enabled() is grad_mode
    assert x.grad is None
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in canonical.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in canonical.modules())
    tensors = [tape.logits, *found.values(), *(tape.activation(cut) for cut in canonical.cuts)]
    assert not any(tensor.requires_grad for tensor in tensors)
    assert torch.equal(torch.get_rng_state(), rng)


def test_handlers_go_by_operation(tape, canonical):
    seen = []

    def note(step, signal):
        seen.append(step.site.module)
        return step.pull(signal)

    found = Way.of({Operation.RELU: note, Operation.LINEAR: note}).go(tape, TARGET, ("input",))
    kinds = (nn.ReLU, nn.Linear, nn.Conv2d)
    assert seen == [site.module for site in reversed(canonical.sites) if isinstance(site.module, kinds)]
    assert torch.equal(found["input"], Way.of({}).go(tape, TARGET, ("input",))["input"])


def test_a_handler_gets_the_input_and_the_output_of_its_site(tape):
    def check(step, signal):
        assert torch.equal(step.output.detach(), step.input.relu())
        assert signal.shape == step.output.shape
        assert not step.input.requires_grad
        return (torch.full_like(step.input, 2.0),)

    top = tape.model.layers[-1]
    below = next(step for step in reversed(tape.steps) if step.site.output == tape.model.cut(top).value)
    assert isinstance(below.site.module, nn.ReLU)
    ((number, _),) = below.leaves
    found = tape.back(one_hot(tape.logits, TARGET), lambda step: check if step is below else None, keep={number})
    assert torch.equal(found[number], torch.full_like(below.input, 2.0))


def test_a_way_has_parts_by_depth(tape, canonical):
    def doubled(step, signal):
        return tuple(None if part is None else 2 * part for part in step.pull(signal))

    border = canonical.depth("blocks.1")
    way = Way(((border, tuple((operation, doubled) for operation in Operation)), (0, ())))
    found, gradient = (one.go(tape, TARGET, canonical.layers) for one in (way, Way.of({})))
    sites = len(canonical.sites) - border  # one after another above the last block
    for layer in canonical.layers:
        assert torch.allclose(found[layer], 2.0**sites * gradient[layer], rtol=1e-12)


def test_keep_change_and_until(tape, canonical):
    value, position = canonical.cut("blocks.0").value, canonical.depth("blocks.0")
    seen = []

    def change(number, signal):
        seen.append(number)
        return 3 * signal if number == value else signal

    start = one_hot(tape.logits, TARGET)
    kept = numbers(tape, canonical.layers)
    whole = tape.back(start, plain, keep=kept)
    changed = tape.back(start, plain, keep=kept, change=change)
    assert len(seen) == len(set(seen))  # once a value, when all its readers have sent
    for number, name in kept.items():
        factor = 3 if canonical.depth(name) <= position else 1
        assert torch.allclose(changed[number], factor * whole[number], rtol=1e-12)
    part = tape.back(start, plain, keep=kept, until=position)
    assert set(part) == {number for number, name in kept.items() if canonical.depth(name) >= position}
    assert all(torch.equal(part[number], whole[number]) for number in part)


def test_layers_do_not_share_memory(tape, canonical):
    """Dropout, off, hands on its signal as it is, and so do sums."""
    plainly = tape.back(one_hot(tape.logits, TARGET), plain, keep=numbers(tape, canonical.cuts))
    assert len({signal.untyped_storage().data_ptr() for signal in plainly.values()}) < len(canonical.cuts)
    found = Way.of({}).go(tape, TARGET, canonical.cuts)
    assert len({signal.untyped_storage().data_ptr() for signal in found.values()}) == len(canonical.cuts)
