"""What is said of a network before it is explained, and the table in the documentation."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.graph import canonicalise
from peephole.attributions.maps import Maps
from peephole.attributions.network_check import _shares, check_network, markdown_table, undefined_on
from peephole.attributions.operations import Operation
from peephole.attributions.rules.cameras import Cameras
from peephole.attributions.rules.score_cam import ScoreCam

DOCS = Path(__file__).parents[2] / "docs" / "networks.md"
TARGET = torch.tensor([0, 1, 2])


def checked(activation, *, bias=True, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = (nn.Conv2d(3, 8, 3, bias=bias), activation, nn.Conv2d(8, 8, 3, bias=bias), activation)
        network = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4, bias=bias)).double()
        x = torch.rand(3, 3, 8, 8, dtype=torch.float64)
    found = check_network(canonicalise(network, (3, 8, 8)), x, TARGET, **options)
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


def test_layers_are_those_of_the_pictures_size():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    found = check_network(canonicalise(network, (3, 8, 8)), torch.rand(3, 3, 12, 12), TARGET)
    assert found.layers == (("input", (3, 12, 12)), ("1", (4, 10, 10)))


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


class With(nn.Module):
    """Two convolutions with an operation between them."""

    def __init__(self, between):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 4)
        self.between = between
        self.norm = nn.GroupNorm(2, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.batch_norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.fc(self.two(self.between(self, self.one(x).relu())).mean((2, 3)))


def attended(net, x):
    tokens = x.flatten(2).transpose(1, 2)
    return net.attention(tokens, tokens, tokens, need_weights=False)[0].transpose(1, 2).reshape(x.shape)


OPERATIONS = {
    Operation.LINEAR: lambda net, x: net.two(x),
    Operation.SCALE: lambda net, x: net.batch_norm(x),
    Operation.RELU: lambda net, x: x.clamp(min=0),
    Operation.ACTIVATION: lambda net, x: F.silu(x),
    Operation.SUM: lambda net, x: x + net.two(x),
    Operation.PRODUCT: lambda net, x: x * net.two(x),
    Operation.MAXIMUM: lambda net, x: F.max_pool2d(x, 2),
    Operation.AVERAGE: lambda net, x: F.avg_pool2d(x, 2),
    Operation.REARRANGEMENT: lambda net, x: F.pad(x, (1, 1, 1, 1)),
    Operation.NORMALISATION: lambda net, x: net.norm(x),
    Operation.ATTENTION: attended,
    Operation.AFFINE: lambda net, x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    Operation.SHAPE: lambda net, x: x.reshape(x.shape[0], -1, x.shape[2], x.shape[3]),
    Operation.OPAQUE: lambda net, x: torch.where(x > net.two(x), x, net.two(x)),
}


def test_the_sweep_has_every_operation():
    assert set(OPERATIONS) == set(Operation)


@pytest.mark.parametrize("operation", Operation, ids=lambda operation: operation.name.lower())
def test_a_rule_is_refused_exactly_where_it_says_that_it_is_not_defined(operation):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = With(OPERATIONS[operation]).double().eval()
        x = torch.rand(3, 3, 8, 8, dtype=torch.float64)
    found = check_network(canonicalise(network, (3, 8, 8)), x, TARGET)
    present = {one.operation for one in found.operations}
    assert operation in present
    for rule in found.rules:
        missing = present.intersection(undefined_on(rule.name))
        assert (rule.refused is None) == (not missing), rule.name
        assert rule.refused is None or any(one.value in rule.refused for one in missing)
        assert rule.failed is None


def test_what_rules_say_that_they_are_not_defined_on():
    for name in ATTRIBUTIONS:
        assert all(len(reason) > 10 for reason in undefined_on(name).values())
    assert undefined_on("gradient") == {}
    assert set(undefined_on("lrp_z")) == {
        Operation.PRODUCT,
        Operation.NORMALISATION,
        Operation.ATTENTION,
        Operation.OPAQUE,
    }
    assert set(undefined_on("tif")) == set(undefined_on("deeplift"))


def test_all_rules_are_run_only_if_asked(monkeypatch):
    """What one rule raises is told of it; the others are run all the same."""

    def failing(self, question, layers):
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(ScoreCam, "explain", failing)
    monkeypatch.setattr(Cameras, "explain", failing)  # enlarges pictures to 1000 pixels
    _, usual = checked(nn.ReLU())
    assert not usual["score_cam"].tried
    assert usual["integrated_gradients"].kept is None
    _, every = checked(nn.ReLU(), run_all=True)
    assert all(rule.tried for rule in every.values())
    assert every["score_cam"].failed == "out of memory"
    assert every["integrated_gradients"].kept == pytest.approx(1, abs=1e-2)
    assert [name for name, rule in every.items() if rule.failed] == ["cameras", "score_cam"]


def test_the_share_is_the_middle_one_of_the_pictures():
    maps = Maps({"input": torch.tensor([1.0, 2.0, 3.0, 8.0])[:, None, None, None]}, torch.full((4,), 10.0))
    assert _shares(maps, ["input"]) == [pytest.approx(0.25)]
