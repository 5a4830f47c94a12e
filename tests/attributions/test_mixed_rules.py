"""Rules made of other rules: the ends of a cascade, and options that meet."""

import pytest
import torch

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.question import Question
from peephole.attributions.rules.restricted import Selected
from peephole.errors import PeepholeError

TARGET = torch.tensor([0, 1, 4])
ONE_WAY = (
    *("gradient", "guided_backprop", "deconv", "activation", "rectgrad(bottom=false)", "lrp_z(bottom=false)"),
    *("lrp_epsilon(bottom=false)", "lrp_alpha_beta(bottom=false)", "lrp_alpha1_beta0(bottom=false)"),
    "dtd(bottom=false)",
)
MULTIPLIED = (
    *("input_x_gradient", "input_x_guided_backprop", "lrp_z", "lrp_epsilon", "lrp_alpha_beta", "lrp_alpha1_beta0"),
    *("excitation_backprop", "excitation_backprop(batch_norm='identity')"),
)


@pytest.fixture
def canonical(residual):
    return canonicalise(residual)


@pytest.fixture
def explain(canonical, pictures):
    def call(method, layers=None):
        return build(method).attribute(canonical, pictures, TARGET, layers or canonical.layers)

    return call


def same(one, other):
    assert list(one) == list(other)
    for layer, values in one.items():
        assert torch.allclose(values, other[layer], rtol=1e-5, atol=1e-7), layer


@pytest.mark.parametrize(("method", "bottom"), [*((m, False) for m in ONE_WAY), *((m, True) for m in MULTIPLIED)])
def test_the_ends_of_a_cascade_are_its_rules(explain, canonical, method, bottom):
    other = "gradient" if method != "gradient" else "deconv"
    expected = explain(method)
    same(explain(f"cascade({method}, {len(canonical.layers)}, below={other}, bottom={bottom})"), expected)
    same(explain(f"cascade({other}, 0, below={method}, bottom={bottom})"), expected)


@pytest.mark.parametrize("levels", range(1, 5))
def test_a_cascade_is_its_upper_rule_above_the_border(explain, canonical, levels):
    found, upper = explain(f"cascade(deconv, {levels})"), explain("deconv")
    for layer in canonical.layers[-levels:]:
        assert torch.allclose(found[layer], upper[layer])
    # The head has no ReLU: one level changes nothing.
    assert torch.allclose(found["input"], explain("gradient")["input"], rtol=1e-3) is (levels == 1)


def test_a_cascade_of_cascades(explain):
    """The upper one's border is the higher of the two that hold."""
    same(explain("cascade(cascade(deconv, 1, below=guided_backprop), 3)"), three_parts(explain))
    same(explain("cascade(cascade(deconv, 3), 1)"), explain("cascade(deconv, 1)"))


def three_parts(explain):
    return explain("cascade(deconv, 1, below=cascade(guided_backprop, 3))")


def test_too_many_levels_are_refused(explain, canonical):
    with pytest.raises(PeepholeError, match=r"levels=9, but the network has \d layers"):
        explain("cascade(deconv, 9)")


@pytest.mark.parametrize("changed", ["from_activation(gradient)", "restricted(gradient)"])
def test_a_cascade_keeps_what_its_rules_change_at_a_layer(explain, canonical, changed):
    """Else the option says nothing, and nobody is told."""
    expected = explain(changed)
    same(explain(f"cascade({changed}, {len(canonical.layers)})"), expected)
    same(explain(f"cascade(deconv, 0, below={changed})"), expected)


def test_two_changes_at_one_layer_both_happen(explain, canonical):
    """P2's figure 6: the largest activations of a layer go back, alone."""
    top = canonical.layers[-1]
    activation = explain("from_activation(gradient)")[top]
    found = explain("restricted(from_activation(gradient), share=0.1)")[top]
    chosen = found != 0
    assert torch.equal(found[chosen], activation[chosen])
    assert (found != 0).flatten(1).sum(1).tolist() == (activation > 0).flatten(1).sum(1).mul(0.1).ceil().tolist()


@pytest.mark.parametrize("method", ["from_activation(gradient, layer='{}')", "restricted(gradient, layer='{}')"])
def test_a_layer_above_the_change_is_refused(explain, canonical, method):
    """There are maps at the layer and below it, none above: not the unchanged rule's either."""
    with pytest.raises(PeepholeError):
        explain(method.format(canonical.layers[-2]), [canonical.layers[-1]])


@pytest.mark.parametrize("method", ["from_activation(gradient, layer='conv')", "restricted(gradient, layer='conv')"])
def test_a_change_at_a_cut_point_that_folding_takes_away(explain, method):
    found = explain(method, ["input"])["input"]
    assert found.isfinite().all()
    assert found.any()


@pytest.mark.parametrize("count", [10, 50, 90, 100])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.6, 0.7])
def test_the_share_of_units_is_counted_exactly(count, share):
    activation = torch.rand(2, count, generator=torch.Generator().manual_seed(0)) + 0.1
    kept = Selected(share, True)(activation, torch.ones(2, count)).sum(1)
    assert kept.tolist() == [round(share * count)] * 2


@pytest.mark.parametrize("method", [*MULTIPLIED, "gradient", "rectgrad", "deeplift", "integrated_gradients(4)"])
def test_a_map_does_not_depend_on_the_other_layers_that_are_asked_for(explain, method):
    """`conv` is a cut point that is gone once normalisation is folded: rules that share by folded weights refuse it."""
    alone = explain(method, ["input"])["input"]
    rule = build(method)
    if isinstance(rule, Propagation) and rule.folding is Folding.MUST:
        with pytest.raises(PeepholeError, match=r"folds batch normalisation.*'conv'; name one of the layers input"):
            explain(method, ["input", "conv"])
    else:
        assert torch.allclose(alone, explain(method, ["input", "conv"])["input"], rtol=1e-3, atol=1e-5)


def test_guided_grad_cam_above_the_last_layer(canonical, explain):
    """A spatial cut point above all layers, of one place."""
    name = next(cut for cut in canonical.cuts if canonical.shapes[cut][1:] == (1, 1))
    with pytest.raises(PeepholeError, match=r"up to the last layer, 'blocks\.1'"):
        explain("guided_grad_cam", [name])


@pytest.mark.parametrize(
    "pair",
    [
        ("dtd(bottom=false)", "lrp_alpha1_beta0(bottom=false)"),
        ("lrp_z(bottom=false)", "lrp_epsilon(0, relative=false, bottom=false)"),
    ],
)
def test_rules_that_go_the_same_way_keep_their_own_maps(canonical, pictures, pair):
    """Of one question; each may be changed by whoever gets it."""
    question = Question(canonical, pictures, TARGET, canonical.layers)
    one, other = (question.maps(build(method)) for method in pair)
    for layer in canonical.layers:
        assert torch.equal(one[layer], other[layer])
        assert one[layer].untyped_storage().data_ptr() != other[layer].untyped_storage().data_ptr()
