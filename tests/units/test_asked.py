"""Several methods asked about the same pictures in one go."""

import numpy as np
import pytest
import torch

from peephole.attributions.base import layers_of
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.models.base import MODELS
from peephole.store.store import Store
from peephole.units import asked as module
from peephole.units.asked import Asked
from peephole.workspace import Workspace


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return canonicalise(MODELS["resnet8"]().build(4), (3, 32, 32))


@pytest.fixture(scope="module")
def probes():
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(5, 3, 32, 32, generator=generator)
    mask = torch.zeros(5, 2, 32, 32, dtype=torch.bool)
    return Probes(image, image, mask, mask, torch.randint(4, (5, 2), generator=generator))


def ask(texts, network, probes, folder, batch=4):
    shares = []
    specs = {key: {"method": text, "method_code": ""} for key, text in texts.items()}
    asked = Asked(specs, Workspace(Store(folder / "store")), network, folder)
    asked.explain(probes, batch, shares.append)
    return asked, shares


def test_each_gets_what_it_says_alone(network, probes, tmp_path):
    texts = {"a": "gradient", "b": "tif(deeplift, 0.7)", "c": "deeplift", "d": "grad_cam"}
    asked, shares = ask(texts, network, probes, tmp_path)
    assert not asked.errors
    assert shares == sorted(shares)
    assert shares[-1] == 1
    image, target = probes.image.repeat_interleave(2, 0), probes.target.flatten()
    for key, text in texts.items():
        method = build(text)
        layers = layers_of(method, network)
        expected = method.attribute(network, image, target, layers)
        found = asked.maps(key)
        assert list(found) == [f"maps/{layer}" for layer in layers]
        for layer in layers:
            whole = expected[layer] if layer == "input" else expected[layer].sum(1, keepdim=True)
            values = found[f"maps/{layer}"]
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, whole.unflatten(0, (5, 2)).numpy(), rtol=1e-3, atol=1e-5)
        assert asked.facts(key)["ms_per_image"] > 0


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_the_batch_changes_nothing(network, probes, tmp_path, batch):
    asked, _ = ask({"a": "lrp_alpha1_beta0"}, network, probes, tmp_path / "one", batch)
    whole, _ = ask({"a": "lrp_alpha1_beta0"}, network, probes, tmp_path / "two", 10)
    for layer, values in whole.maps("a").items():
        np.testing.assert_allclose(asked.maps("a")[layer], values, rtol=1e-3, atol=1e-5)


@pytest.fixture(autouse=True)
def folders(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()


class Broken:
    """Fails at the second batch, or returns what is no map."""

    title, source = "Broken", "nobody"

    def __init__(self, how):
        self.how, self.calls = how, 0

    def attribute(self, model, x, target, layers):
        self.calls += 1
        if self.how == "late" and self.calls == 2:
            raise RuntimeError("no second time")
        side = 5 if self.how == "shape" else 32
        value = float("nan") if self.how == "nan" else 1.0
        return {layer: torch.full((len(x), 1, side, side), value) for layer in layers}


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("late", RuntimeError, "no second time"),
        ("shape", PeepholeError, "shape"),
        ("nan", PeepholeError, "NaN or infinite"),
    ],
)
def test_one_that_fails_does_not_stop_the_others(network, probes, tmp_path, monkeypatch, how, kind, words):
    broken = Broken(how)
    monkeypatch.setattr("peephole.attributions.methods.build", lambda text: broken if text == "broken" else build(text))
    asked, _ = ask({"x": "broken", "g": "gradient"}, network, probes, tmp_path)
    assert isinstance(asked.errors["x"], kind)
    assert words in str(asked.errors["x"])
    assert broken.calls <= 2
    assert "g" not in asked.errors
    assert np.isfinite(asked.maps("g")["maps/input"]).all()


def test_a_layer_that_does_not_exist_is_the_methods_own_error(network, probes, tmp_path):
    asked, _ = ask({"x": "from_activation(gradient, layer='nowhere')", "g": "gradient"}, network, probes, tmp_path)
    assert "nowhere" in str(asked.errors["x"])
    assert "layer1.0" in str(asked.errors["x"])
    assert "g" not in asked.errors


def test_maps_wait_on_disk(network, probes, tmp_path):
    store = Store(tmp_path / "store")
    with store.scratch() as folder:
        asked, _ = ask({"a": "gradient"}, network, probes, folder)
        assert all(isinstance(values, np.memmap) for values in asked.maps("a").values())
        assert list(folder.iterdir())
    assert not list((tmp_path / "store" / "tmp").iterdir())
    assert module.__doc__


class Greedy:
    """A gradient that has memory for a few rows only."""

    def __init__(self, most):
        self.most = most
        self.asked = []

    def attribute(self, model, x, target, layers):
        self.asked.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build("gradient").attribute(model, x, target, layers)


@pytest.mark.parametrize("most", [2, 4])
def test_a_batch_that_does_not_fit_in_memory_is_asked_in_parts(network, probes, tmp_path, monkeypatch, most):
    greedy = Greedy(most)
    monkeypatch.setattr("peephole.attributions.methods.build", lambda text: greedy if text == "greedy" else build(text))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    asked, _ = ask({"g": "greedy", "h": "activation"}, network, probes, tmp_path / "a", batch=10)
    whole, _ = ask({"g": "gradient"}, network, probes, tmp_path / "b", batch=10)
    assert not asked.errors
    assert greedy.asked[0] == 10
    assert max(size for size in greedy.asked if size <= most) <= most
    for name, values in whole.maps("g").items():
        np.testing.assert_allclose(asked.maps("g")[name], values, rtol=1e-4, atol=1e-6)
    assert asked.facts("g")["ms_per_image"] > 0


def test_not_even_one_picture_is_said_in_one_line(network, probes, tmp_path, monkeypatch):
    monkeypatch.setattr("peephole.attributions.methods.build", lambda text: Greedy(1))
    asked, _ = ask({"g": "greedy"}, network, probes, tmp_path, batch=10)
    assert isinstance(asked.errors["g"], PeepholeError)
    assert str(asked.errors["g"]) == "greedy does not fit in the memory of cpu: not one picture."
