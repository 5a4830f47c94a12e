"""The comparison with other libraries, line by line: `python tests/peers/agreement.py` prints it."""

import functools
from dataclasses import replace

import agreement
import captum_rows
import pytest
import torch
from captum import attr
from comparison import Comparison
from measures import gap, largest_difference, total

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.methods import names_in

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
    assert alone == {"grad-cam FullGrad", "grad-cam ScoreCAM", "zennit ZPlus('bias'), its default stabilizer"}


@pytest.mark.parametrize("comparison", parameters(one for one in COMPARISONS if one.ours == "deeplift"))
def test_deep_lift_is_complete_where_captums_is_and_where_it_is_not(comparison):
    subject = agreement.subject(comparison.subject, comparison.dtype)
    ours, theirs = maps(comparison)
    assert gap(subject, ours) < 1e-9
    assert gap(subject, theirs) > 1e-2 if comparison.differs else gap(subject, theirs) < 1e-9


@pytest.mark.parametrize(
    "comparison", parameters(one for one in COMPARISONS if one.ours in {"lrp_alpha1_beta0", "dtd", "lrp_alpha_beta"})
)
def test_relevance_sums_to_the_logit_at_every_layer(comparison):
    subject = agreement.subject(comparison.subject, comparison.dtype)
    for found in maps(comparison):
        assert torch.allclose(total(found), subject.logit.expand(len(found), -1), rtol=1e-3)


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
