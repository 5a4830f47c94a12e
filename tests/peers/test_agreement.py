"""The comparison with other libraries, line by line: `python tests/peers/agreement.py` prints it."""

import functools
from dataclasses import replace

import agreement
import captum_rows
import pytest
import torch
import zennit_rows
from captum import attr
from comparison import Comparison
from measures import gap, largest_difference, total
from torch import nn
from zennit_rows import spelt

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build, names_in
from peephole.attributions.operations import Operation, operation_of

pytestmark = pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks:UserWarning:captum")

COMPARISONS = agreement.comparisons()


def parameters(comparisons):
    return [
        pytest.param(
            one,
            marks=[pytest.mark.slow] if one.slow else [],
            id=f"{one.subject}-{one.ours}-{one.peer}-{'differs' if one.differs else 'agrees'}",
        )
        for one in comparisons
    ]


@functools.cache
def maps(comparison):
    return comparison.both(agreement.subject(comparison.subject, comparison.dtype))


@pytest.mark.parametrize("comparison", parameters(COMPARISONS))
def test_maps_agree_where_they_must_and_differ_where_that_is_known(comparison):
    ours, theirs = maps(comparison)
    difference = largest_difference(ours, theirs)
    assert list(ours) == list(theirs) != []
    assert any(values.any() for values in theirs.values())
    assert comparison.as_expected(difference), difference


def test_every_rule_is_compared_or_says_why_not():
    compared = {name for comparison in COMPARISONS for name in names_in(comparison.ours)}
    assert compared | set(agreement.NO_PEER) == set(ATTRIBUTIONS)
    assert not compared & set(agreement.NO_PEER)


def test_every_comparison_that_differs_somewhere_has_one_that_agrees_or_says_what_is_another_method():
    agree = {(one.subject, one.ours, one.peer) for one in COMPARISONS if not one.differs}
    alone = {one.peer for one in COMPARISONS if one.differs and (one.subject, one.ours, one.peer) not in agree}
    assert alone == {
        "grad-cam FullGrad",
        "grad-cam ScoreCAM",
        "zennit ZPlus('bias'), its default stabilizer",
        "zennit AlphaBeta(2, 1, 'bias'), sums as convolutions",
        "zennit ZPlus('bias'), behind a ReLU's zeros",
    }


@pytest.mark.parametrize("comparison", parameters(one for one in COMPARISONS if one.ours == "deeplift"))
def test_deep_lift_is_complete_where_captums_is_and_where_it_is_not(comparison):
    subject = agreement.subject(comparison.subject, comparison.dtype)
    ours, theirs = maps(comparison)
    assert gap(subject, ours) < 1e-9
    assert gap(subject, theirs) > 1e-2 if comparison.differs else gap(subject, theirs) < 1e-9


CONSERVING = {
    spelt(name, option)
    for name in ("lrp_alpha1_beta0", "dtd", "lrp_alpha_beta")
    for option in ("", zennit_rows.PROPORTIONAL)
}


@pytest.mark.parametrize("comparison", parameters(one for one in COMPARISONS if one.ours in CONSERVING))
def test_relevance_sums_to_the_logit_at_every_layer(comparison):
    subject = agreement.subject(comparison.subject, comparison.dtype)
    ours, theirs = (total(found) for found in maps(comparison))
    logits = subject.logit.expand(len(ours), -1)
    assert torch.allclose(ours, logits, rtol=1e-3) == (comparison.subject != "normalised_relu")
    assert torch.allclose(theirs, logits, rtol=1e-3) == ("makes twice" not in comparison.differs)


@pytest.mark.parametrize("name", ["resnet18", "preactivated"])
def test_sums_and_averages_spelt_out_compute_the_same_and_none_is_left(name):
    subject = agreement.subject(name, torch.float64)
    network, picture = subject.spelt_out, subject.activations["input"]
    assert torch.allclose(network(picture), subject.model(subject.x), rtol=1e-9)
    before, after = ({operation_of(site.module) for site in sites} for sites in (subject.model.sites, network.sites))
    assert {Operation.SUM, Operation.AVERAGE} <= before - after


@pytest.mark.parametrize("name", ["torchvision_vit", "swin"])
def test_grad_cam_of_a_transformer_is_compared_at_every_block_and_is_not_zero(name):
    (comparison,) = (one for one in COMPARISONS if one.subject == name and one.ours == "grad_cam")
    ours, theirs = maps(comparison)
    blocks = {"torchvision_vit": ("encoder.layers.encoder_layer_", 2), "swin": ("features.", 5)}
    start, count = blocks[name]
    assert sum(layer.startswith(start) for layer in theirs) >= count
    for found in (ours, theirs):
        assert all(values.flatten(1).any(1).all() for values in found.values())


@pytest.mark.parametrize(
    ("baseline", "expected"), [([1, 2, 3, 9], [[0, 0], [0, -8]]), ([4, 8, 6, 7], [[0, -7], [0, 0]])]
)
def test_a_one_dimensional_max_pool_falls_at_the_place_of_the_baselines_maximum_as_in_captums_own_test(
    baseline, expected
):
    # Captum: from a baseline to four ones. Here: from zeros to the difference, with the baseline as a bias.
    base = torch.tensor(baseline, dtype=torch.float64)
    below, above = nn.Linear(4, 4), nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        below.weight.copy_(torch.eye(4))
        below.bias.copy_(base)
        above.weight.fill_(1)
    pool = (nn.Unflatten(1, (1, 4)), nn.MaxPool1d(4), nn.Flatten())
    network = nn.Sequential(nn.Flatten(), below, *pool, above)
    model = canonicalise(Classifier(Normalise((1.0,), (0.125,)), network).double(), (1, 2, 2))
    x = (1 + (1 - base) / 8).reshape(1, 1, 2, 2)
    found = build("deeplift").attribute(model, x, torch.tensor([0]), ["input"])["input"]
    part = model.above("input")
    picture = ((x - 1) * 8).requires_grad_()
    theirs = attr.DeepLift(part).attribute(picture, target=0).detach()
    assert found[0, 0].tolist() == expected
    assert torch.equal(theirs, found)


def test_a_wrong_rule_would_be_seen():
    wrong = Comparison("vgg", "deconv", "captum GuidedBackprop", captum_rows.above(attr.GuidedBackprop))
    difference = largest_difference(*maps(wrong))
    assert difference > 0.1
    assert not wrong.as_expected(difference)
    assert replace(wrong, differs="they are two rules").as_expected(difference)


def test_the_difference_is_that_of_the_worst_picture_beside_its_own_largest_value():
    theirs = {"a": torch.tensor([[[[100.0, -1.0]]], [[[0.5, -2.0]]]]), "b": torch.ones(2, 1, 1, 1)}
    ours = {"a": theirs["a"] + torch.tensor([0.0, 0.5]), "b": theirs["b"] + 0.125}
    assert largest_difference(ours, theirs) == 0.25
    assert largest_difference(theirs, theirs) == 0


@pytest.mark.parametrize("broken", [torch.full((2, 1, 1, 2), torch.nan), torch.full((2, 1, 1, 2), torch.inf)])
def test_maps_that_are_not_finite_agree_with_nothing(broken):
    fine = torch.ones(2, 1, 1, 2)
    for ours, theirs in ((broken, fine), (fine, broken), (broken, broken), (torch.ones(2, 1, 1, 1), fine)):
        difference = largest_difference({"a": ours}, {"a": theirs})
        assert difference == torch.inf
        for reason in ("", "a known one"):
            nothing = Comparison("vgg", "gradient", "", lambda subject, layers: {}, differs=reason)
            assert not nothing.as_expected(difference)


def test_maps_of_zeros_agree_with_each_other_only():
    zeros, ones = {"a": torch.zeros(1, 1, 2, 2)}, {"a": torch.ones(1, 1, 2, 2)}
    assert largest_difference(zeros, zeros) == 0
    assert largest_difference(ones, zeros) > 1
    assert largest_difference(zeros, ones) == 1


@pytest.mark.parametrize("wrong", [False, True])
def test_the_command_prints_a_line_a_comparison_and_says_whether_all_is_as_known(wrong, monkeypatch, capsys):
    first = next(one for one in COMPARISONS if one.subject == "vgg" and one.ours == "gradient")
    monkeypatch.setattr(agreement, "comparisons", lambda: [first, replace(first, differs="so it is said")][: 1 + wrong])
    monkeypatch.setattr("sys.argv", ["agreement.py"])
    assert agreement.main() == wrong
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["network", "dtype", "ours"]
    assert lines[0].endswith("agrees")
    assert not wrong or lines[1].endswith("AGREES; so it is said")
