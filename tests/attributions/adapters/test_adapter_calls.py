"""What an adapter checks of its library, with a library that does wrong; and what methods refuse."""

import random
import types
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from peephole.attributions.adapters import features
from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.library import Library
from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError

TARGET = torch.tensor([0, 1, 4])


class Strange(Library):
    """A library whose only method does what a test wants."""

    title = source = distribution = extra = module = "strange"

    def __init__(self, maps, **options):
        self.maps = maps
        super().__init__("Do", options)

    @classmethod
    def _import(cls):
        return types.ModuleType("strange")

    def methods(self):
        return {"Do": None}

    def maps(self, model, x, target, layers):
        raise AssertionError("replaced by every test")


Strange.__abstractmethods__ = frozenset()


@pytest.fixture
def canonical(residual):
    return canonicalise(residual, (3, 8, 8))


@pytest.fixture
def call(canonical, pictures):
    return lambda maps, **options: Strange(maps, **options).attribute(canonical, pictures, TARGET, ["input", "relu"])


def good(model, x, target, layers):
    return {layer: torch.ones(len(x), 1, *model.shapes[layer][1:]) for layer in layers}


def after(change):
    def maps(model, x, target, layers):
        change(model)
        return good(model, x, target, layers)

    return maps


def test_maps_are_detached_and_of_their_own(call, pictures):
    held = torch.ones(3, 1, 8, 8, requires_grad=True)
    found = call(lambda *_: {"input": held, "relu": held})
    assert not any(values.requires_grad for values in found.values())
    assert len({values.data_ptr() for values in (held, *found.values())}) == 3


@pytest.mark.parametrize("shape", [(3, 3, 8, 8), (3, 1, 8, 8)])
def test_maps_may_have_the_layers_channels_or_one(call, shape):
    assert call(lambda *_: {"input": torch.ones(shape), "relu": torch.ones(3, 1, 8, 8)})["input"].shape == shape


def test_maps_may_have_the_pictures_size_at_any_layer(canonical, pictures):
    explain = Strange(lambda model, x, target, layers: {"blocks.1": torch.ones(3, 1, 8, 8)})
    assert explain.attribute(canonical, pictures, TARGET, ["blocks.1"])["blocks.1"].shape == (3, 1, 8, 8)
    larger = torch.rand(3, 3, 16, 16)
    explain = Strange(lambda model, x, target, layers: {"blocks.1": torch.ones(3, 6, 4, 4)})
    assert explain.attribute(canonical, larger, TARGET, ["blocks.1"])["blocks.1"].shape == (3, 6, 4, 4)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({"input": torch.ones(3, 1, 8, 8)}, r"returned NoneType for 'relu'; expected a tensor"),
        ({"input": np.ones((3, 1, 8, 8))}, r"returned ndarray for 'input'"),
        ({"input": torch.ones(3, 8, 8)}, r"map of shape \(3, 8, 8\) for 'input'; expected \(3, 3, 8, 8\) or \(3, 1,"),
        ({"input": torch.ones(3, 2, 8, 8)}, r"map of shape \(3, 2, 8, 8\)"),
        ({"input": torch.ones(3, 3, 8, 4)}, r"map of shape \(3, 3, 8, 4\)"),
        ({"input": torch.ones(1, 3, 8, 8)}, r"map of shape \(1, 3, 8, 8\)"),
        ({"input": torch.tensor([1, torch.nan, 1]).view(3, 1, 1, 1).expand(3, 1, 8, 8)}, "NaN.*at 'input'.*picture 1"),
        ({"input": torch.full((3, 1, 8, 8), -torch.inf)}, r"infinite values at 'input', first for picture 0"),
    ],
)
def test_a_map_that_is_none_is_named(call, maps, message):
    with pytest.raises(PeepholeError, match=message) as caught:
        call(lambda *_: maps)
    assert "\n" not in str(caught.value)


def write(model):
    with torch.no_grad():
        model.network.conv.weight.mul_(1)


def replace(model):
    model.network.fc.weight = nn.Parameter(model.network.fc.weight.clone(), requires_grad=False)


def statistics(model):
    model.network.bn.running_mean.add_(0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (write, r"changed the weights 'network\.conv\.weight'"),
        (replace, r"changed the weights 'network\.fc\.weight'"),
        (statistics, r"changed the weights 'network\.bn\.running_mean'"),
        (lambda model: model.network.bn.train(), r"changed the mode of module 'network\.bn'"),
        (lambda model: model.network.fc.register_forward_hook(print), r"left hooks behind at module 'network\.fc'"),
        (lambda model: model.network.fc.register_forward_pre_hook(print), "left hooks behind"),
        (lambda model: model.network.fc.register_full_backward_hook(print), "left hooks behind"),
        (
            lambda model: model.network.fc.requires_grad_(True),
            r"left requires_grad of the weights 'network\.fc\.weight",
        ),
        (lambda model: model.network.add_module("more", nn.Conv2d(1, 1, 1)), "added or took away modules or weights"),
    ],
)
def test_a_changed_model_is_an_error(call, change, message):
    with pytest.raises(PeepholeError, match=rf"{message}.*; expected the model left as it was: canonicalise it again"):
        call(after(change))


def test_what_a_library_leaves_at_modules_is_taken_away(call, canonical):
    def leave(model):
        model.network.conv.input = torch.zeros(9)

    call(after(leave))
    assert not hasattr(canonical.network.conv, "input")


def test_a_failing_library_that_changes_the_model_is_told_both(call):
    def maps(model, x, target, layers):
        model.network.fc.register_forward_hook(print)
        raise KeyError("rule")

    with pytest.raises(PeepholeError, match=r"left hooks behind.*It failed, too: .*KeyError: 'rule'"):
        call(maps)


def test_what_the_library_raises_is_one_line_with_its_cause(call):
    def maps(model, x, target, layers):
        raise RuntimeError("mat1 and mat2\n  shapes cannot be multiplied")

    with pytest.raises(PeepholeError, match=r"failed on this model \(RuntimeError: mat1 and mat2 shapes") as caught:
        call(maps)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_running_out_of_memory_stays_what_it_is(call):
    def maps(model, x, target, layers):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        call(maps)


def test_pictures_may_be_written_to(call, pictures):
    before = pictures.clone()

    def maps(model, x, target, layers):
        x.zero_()
        target.zero_()
        return good(model, x, target, layers)

    call(maps)
    assert torch.equal(pictures, before)
    assert TARGET.tolist() == [0, 1, 4]


@pytest.mark.parametrize("draw", [torch.rand, lambda size: torch.from_numpy(np.random.rand(size)), None])  # noqa: NPY002
def test_draws_follow_the_seed_and_leave_the_global_states_alone(call, draw):
    draw = draw or (lambda size: torch.tensor([random.random() for _ in range(size)]))

    def maps(model, x, target, layers):
        return {layer: draw(3 * 64).view(3, 1, 8, 8) for layer in layers}

    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, same, other = call(maps), call(maps), call(maps, seed=1)
    assert torch.equal(first["relu"], same["relu"])
    assert not torch.equal(first["relu"], other["relu"])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_only_the_librarys_own_warnings_are_silenced(call):
    def maps(model, x, target, layers):
        warnings.warn_explicit("hooks", UserWarning, "strange/core.py", 1, module="strange.core")
        return good(model, x, target, layers)

    call(maps)
    with pytest.warns(UserWarning, match="stranger"):
        call(after(lambda model: warnings.warn("stranger", UserWarning, stacklevel=1)))


@pytest.mark.parametrize(
    ("library", "method", "message"),
    [
        ("captum", "NeuronGradient", r"captum:NeuronGradient cannot explain a layer: it needs neuron_selector"),
        ("captum", "noisetunnel", r"captum:NoiseTunnel cannot .*captum:Saliency\(nt_type='smoothgrad'\)"),
        ("captum", "FeaturePermutation", "permutes the pictures of a batch"),
        ("captum", "ShapleyValues", "take ShapleyValueSampling"),
        ("zennit", "LayerMapComposite", "unknown zennit method 'LayerMapComposite'"),
        ("grad-cam", "AblationLayer", "unknown grad-cam method 'AblationLayer'"),
    ],
)
def test_methods_that_explain_no_layer_are_refused_with_the_reason(library, method, message):
    with pytest.raises(PeepholeError, match=message):
        ADAPTERS[library](method, {})


@pytest.mark.parametrize(
    ("library", "method", "option"),
    [
        ("captum", "Saliency", "target"),
        ("captum", "Saliency", "stdevs"),
        ("captum", "IntegratedGradients", "return_convergence_delta"),
        ("zennit", "EpsilonPlus", "layer_map"),
        ("zennit", "EpsilonPlus", "low"),
        ("grad-cam", "GradCAM", "targets"),
    ],
)
def test_arguments_that_the_adapter_gives_are_no_options(library, method, option):
    with pytest.raises(PeepholeError, match=rf"has no option '{option}'; it has: "):
        ADAPTERS[library](method, {option: 1})


def test_an_option_of_the_wrong_type_fails_in_one_line(canonical, pictures):
    explain = ADAPTERS["captum"]("IntegratedGradients", {"n_steps": "many"})
    with pytest.raises(PeepholeError, match=r"captum:IntegratedGradients failed on this model \("):
        explain.attribute(canonical, pictures, TARGET, ["input"])


def test_cells_number_the_places_without_gaps():
    mask = features.cells(3, torch.zeros(2, 4, 5, 2))
    assert mask.shape == (1, 4, 5, 2)
    assert mask[0, 0].tolist() == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5]]
    assert torch.equal(mask[0, 0], mask[0, 3])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, (4, 2, 1)), (3, (4, 3, 3)), (99, (4, 16, 8)), ((2, 5), (4, 2, 5)), ([1, 2, 5], (1, 2, 5))],
)
def test_a_window_covers_all_channels_and_stays_inside(value, expected):
    assert features.window(value, torch.zeros(2, 4, 16, 8)) == expected


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (features.cells, 0),
        (features.cells, "4"),
        (features.window, 0),
        (features.window, "3"),
        (features.window, (1, 1, 1, 1)),
        (lambda value, like: features.baselines(value, like, 2), "black"),
    ],
)
def test_numbers_that_are_none_are_refused(make, value):
    with pytest.raises(PeepholeError, match="expected"):
        make(value, torch.zeros(1, 2, 4, 4))
