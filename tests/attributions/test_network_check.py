"""What is said of a network before it is explained, and the table in the documentation."""

from pathlib import Path

import pytest
import torch
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.graph import canonicalise
from peephole.attributions.network_check import check_network, markdown_table, undefined_on
from peephole.attributions.operations import Operation

DOCS = Path(__file__).parents[2] / "docs" / "networks.md"
TARGET = torch.tensor([0, 1, 2])


def checked(activation, *, bias=True):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = (nn.Conv2d(3, 8, 3, bias=bias), activation, nn.Conv2d(8, 8, 3, bias=bias), activation)
        network = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4, bias=bias)).double()
        x = torch.rand(3, 3, 8, 8, dtype=torch.float64)
    found = check_network(canonicalise(network, (3, 8, 8)), x, TARGET)
    return found, {rule.name: rule for rule in found.rules}


def test_operations_layers_and_rules():
    found, rules = checked(nn.ReLU())
    assert [(one.operation, one.count, one.first) for one in found.operations] == [
        (Operation.LINEAR, 3, "0"),
        (Operation.RELU, 2, "1"),
        (Operation.AVERAGE, 1, "4"),
        (Operation.REARRANGEMENT, 2, "input"),
    ]
    assert found.layers == (("input", (3, 8, 8)), ("1", (8, 6, 6)), ("1_1", (8, 4, 4)))
    assert not found.one_size
    assert set(rules) == set(ATTRIBUTIONS)
    assert not any(rule.refused or rule.failed for rule in rules.values())
    assert rules["tif"].layers == 1
    assert rules["gradient"].layers == 3


def test_what_rules_keep():
    _, rules = checked(nn.ReLU(), bias=False)
    for name in ("lrp_z", "deeplift"):
        assert rules[name].kept == pytest.approx(1, abs=1e-5)
        assert rules[name].kept_least == pytest.approx(1, abs=1e-5)
    _, biased = checked(nn.ReLU())
    assert biased["lrp_z"].kept_least < 0.95
    assert biased["lrp_alpha_beta"].kept == pytest.approx(1, abs=1e-5)
    assert abs(biased["lrp_epsilon"].kept) < 0.9
    assert biased["gradient"].kept is None
    assert not biased["score_cam"].tried


def test_a_rule_that_is_refused_says_why_and_the_others_run():
    found, rules = checked(nn.SiLU())
    assert found.operations[1].operation is Operation.ACTIVATION
    for name in ("guided_backprop", "rectgrad", "cascade", "guided_grad_cam", "input_x_guided_grad_cam"):
        assert "an activation that is no ReLU, '1' (SiLU)" in rules[name].refused
        assert not rules[name].tried
    for name in ("gradient", "lrp_alpha1_beta0", "deeplift", "fullgrad"):
        assert rules[name].refused is None


def test_the_documentation_has_the_table_of_the_code():
    text = DOCS.read_text(encoding="utf-8")
    assert text.partition("<!-- rule × operation -->\n")[2].partition("<!-- end -->")[0] == markdown_table()


def test_every_rule_says_what_it_is_defined_on_as_it_behaves():
    """A sweep: of each operation a small network, on which a rule is refused exactly if it says so."""
    for name in ATTRIBUTIONS:
        undefined = undefined_on(name)
        assert all(len(reason) > 10 for reason in undefined.values())
        assert Operation.LINEAR not in undefined
        assert Operation.RELU not in undefined
    assert undefined_on("gradient") == {}
    assert set(undefined_on("lrp_z")) == {
        Operation.PRODUCT,
        Operation.NORMALISATION,
        Operation.ATTENTION,
        Operation.OPAQUE,
    }
    assert set(undefined_on("tif")) == set(undefined_on("deeplift"))
