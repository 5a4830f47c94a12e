import pytest
import torch

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError

TARGET = torch.tensor([0, 1, 4])


@pytest.fixture
def canonical(residual):
    return canonicalise(residual)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.rand(3, 8, 8)}, r"x is of shape \(3, 8, 8\); expected a tensor \[B,3,H,W\]"),
        ({"x": torch.rand(3, 1, 8, 8)}, r"x is of shape \(3, 1, 8, 8\); expected a tensor \[B,3,H,W\]"),
        ({"x": torch.rand(0, 3, 8, 8)}, "at least one picture"),
        ({"x": [0.5]}, "x is a list"),
        ({"x": torch.zeros(3, 3, 8, 8, dtype=torch.uint8)}, r"x is torch\.uint8; expected the model's torch\.float32"),
        ({"x": torch.rand(3, 3, 8, 8).double()}, r"x is torch\.float64; expected the model's torch\.float32"),
        ({"x": torch.rand(3, 3, 8, 8, device="meta")}, "x is on meta; expected the model's cpu"),
        ({"x": torch.full((3, 3, 8, 8), torch.nan)}, "x has NaN or infinite values"),
        ({"x": torch.full((3, 3, 8, 8), torch.inf)}, "x has NaN or infinite values"),
        ({"target": TARGET.int()}, r"target is torch\.int32 \(3,\); expected one int64 label a picture"),
        ({"target": TARGET[:2]}, r"target is torch\.int64 \(2,\); expected one int64 label a picture, shape \(3,\)"),
        ({"target": 1}, "target is int; expected one int64 label a picture"),
        ({"target": TARGET.to("meta")}, "target is on meta; expected the pictures' cpu"),
        ({"target": TARGET + 1}, "target 5 is no label of the model; expected 0 to 4"),
        ({"target": TARGET - 1}, "target -1 is no label of the model; expected 0 to 4"),
        ({"layers": []}, r"layers is \[\]; expected one or more names"),
        ({"layers": "blocks.0"}, "layers is 'blocks.0'; expected one or more names"),
        (
            {"layers": ["blocks.0", "blocks.7"]},
            r"unknown cut point 'blocks\.7'\..*There are: .*conv",
        ),
        ({"layers": ["view"]}, "'view' has no height and width; expected spatial cut points such as input, relu"),
    ],
)
def test_a_wrong_argument_is_named(canonical, pictures, change, message):
    arguments = {"x": pictures, "target": TARGET, "layers": canonical.layers} | change
    with pytest.raises(PeepholeError, match=message) as caught:
        ATTRIBUTIONS["gradient"]().attribute(canonical, **arguments)
    assert "\n" not in str(caught.value)


def test_a_model_in_training_mode_is_refused(canonical, pictures):
    canonical.network.bn.train()
    with pytest.raises(PeepholeError, match=r"module 'network\.bn' of the model is in training mode"):
        ATTRIBUTIONS["gradient"]().attribute(canonical, pictures, TARGET, canonical.layers)


def test_a_model_that_is_no_canonical_graph_is_refused(residual, pictures):
    with pytest.raises(PeepholeError, match=r"the model is a Classifier; expected its canonical graph"):
        ATTRIBUTIONS["gradient"]().attribute(residual, pictures, TARGET, ["input"])


def test_inference_mode_is_refused(canonical, pictures):
    with torch.inference_mode(), pytest.raises(PeepholeError, match=r"call attributions under torch\.no_grad"):
        ATTRIBUTIONS["gradient"]().attribute(canonical, pictures, TARGET, canonical.layers)


def test_any_spatial_cut_point_may_be_asked_for(canonical, pictures):
    found = ATTRIBUTIONS["gradient"]().attribute(canonical, pictures, TARGET, ["blocks.1.add", "conv"])
    assert {layer: tuple(values.shape) for layer, values in found.items()} == {
        "blocks.1.add": (3, 6, 2, 2),
        "conv": (3, 4, 8, 8),
    }
