import pytest

from peephole.attributions.base import layers_of
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.errors import PeepholeError


class Some:
    """A method with maps at the layers it is told."""

    def __init__(self, *names):
        self.names = names

    def layers(self, model):
        return self.names


@pytest.fixture
def canonical(residual):
    return canonicalise(residual)


def test_a_method_that_says_nothing_has_maps_everywhere(canonical):
    assert layers_of(build("gradient"), canonical) == canonical.layers


def test_layers_come_in_the_models_order_each_once(canonical):
    first, second, *_, last = canonical.layers
    assert layers_of(Some(last, first, second, first), canonical) == (first, second, last)


def test_a_method_made_of_others_says_where_it_has_maps(canonical):
    assert layers_of(build("tif(gradient)"), canonical) == ("input",)
    assert layers_of(build("from_activation(gradient, layer='blocks.0')"), canonical)[-1] == "blocks.0"


@pytest.mark.parametrize(
    ("method", "words"), [(Some(), "Some has a map at no layer"), (Some("input", "attic"), "names the layer 'attic'")]
)
def test_layers_that_there_are_not_are_refused(canonical, method, words):
    with pytest.raises(PeepholeError, match=f"{words}; the model's layers are input, "):
        layers_of(method, canonical)
