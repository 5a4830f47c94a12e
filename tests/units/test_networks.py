import pytest
import torch

from peephole.attributions.classifier import Classifier, Normalise
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.models.base import MODELS
from peephole.models.weights import weights_identity
from peephole.store.store import Store
from peephole.units.networks import build, load_file, load_weights, state_arrays
from peephole.workspace import Workspace

SHAPES = {"name": "shapes", "side": 32}


@pytest.fixture
def workspace(tmp_path):
    return Workspace(Store(tmp_path / "store"), Machine("cpu"))


def test_a_seed_decides_the_weights_and_global_randomness_is_left_alone(workspace):
    state = torch.random.get_rng_state()
    first, again, other = (build("resnet8", workspace, SHAPES, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.network.fc.weight, again.network.fc.weight)
    assert not torch.equal(first.network.fc.weight, other.network.fc.weight)


@pytest.mark.parametrize("part", ["classifier", "network"])
def test_weights_of_the_classifier_or_of_its_network_are_taken(workspace, tmp_path, part):
    source, filled = (build("resnet8", workspace, SHAPES, seed) for seed in (1, 2))
    torch.save((source if part == "classifier" else source.network).state_dict(), tmp_path / "w.pt")
    load_file(tmp_path / "w.pt", filled)
    for name, array in state_arrays(source, "weights").items():
        assert (array == state_arrays(filled, "weights")[name]).all()


@pytest.mark.parametrize("key", [None, "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_checkpoints_and_wrapped_networks_are_taken(workspace, tmp_path, key, prefix):
    source, filled = (build("resnet8", workspace, SHAPES, seed) for seed in (1, 2))
    state = {f"{prefix}{name}": value for name, value in source.network.state_dict().items()}
    torch.save({"epoch": 3, key: state} if key else state, tmp_path / "w.pt")
    load_file(tmp_path / "w.pt", filled)
    assert torch.equal(filled.network.fc.weight, source.network.fc.weight)


def test_what_torch_wraps_is_unwrapped(workspace, tmp_path):
    source, filled = (build("resnet8", workspace, SHAPES, seed) for seed in (1, 2))
    wrapped = torch.nn.DataParallel(torch.compile(source))
    torch.save({"model": wrapped.state_dict(), "optimizer": {"lr": 0.1}}, tmp_path / "w.pt")
    load_file(tmp_path / "w.pt", filled)
    assert torch.equal(filled.network.fc.weight, source.network.fc.weight)


def test_a_network_may_have_a_part_called_network(tmp_path):
    bare = torch.nn.ModuleDict({"network": torch.nn.Linear(3, 2)})
    state = {"network.weight": torch.ones(2, 3), "network.bias": torch.ones(2)}
    torch.save(state, tmp_path / "w.pt")
    load_file(tmp_path / "w.pt", Classifier(Normalise((0.5,) * 3, (0.5,) * 3), bare))
    assert torch.equal(bare["network"].weight, state["network.weight"])


def weights(classes=10, without=(), **more):
    """A state dict of resnet8."""
    state = {**MODELS["resnet8"]().build(classes).state_dict(), **more}
    return {name: value for name, value in state.items() if name not in without}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (weights(1000), "(fc.weight is [1000, 64], expected [10, 64], and 1 more)"),
        (weights(without=["fc.bias"]), "(fc.bias is missing)"),
        (weights(extra=torch.zeros(3)), "(extra is unknown)"),
    ],
)
def test_the_first_weight_that_does_not_fit_is_named(workspace, tmp_path, content, words):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(PeepholeError) as error:
        load_file(tmp_path / "w.pt", build("resnet8", workspace, SHAPES, 0))
    assert words in str(error.value)
    assert str(tmp_path / "w.pt") in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_are_loaded_by_name(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    identity = weights_identity("torchvision_resnet18", "IMAGENET1K_V1")
    spec = {"model": "torchvision_resnet18", "weights": identity}
    network = build("torchvision_resnet18", workspace, SHAPES, 0)
    state = MODELS["torchvision_resnet18"]().build(10).state_dict()
    torch.save(state, file)
    load_weights(network, spec, workspace)
    assert torch.equal(network.network.fc.weight, state["fc.weight"])
    torch.save(MODELS["torchvision_resnet18"]().build(1000).state_dict(), file)
    with pytest.raises(PeepholeError, match=rf"{identity} do not fit .*fc.weight is \[1000, 512\], expected \[10"):
        load_weights(network, spec, workspace)


def test_a_file_of_weights_must_be_that_of_the_plan(workspace, tmp_path):
    torch.save(weights(), tmp_path / "w.pt")
    workspace.weights = str(tmp_path / "w.pt")
    spec = {"model": "resnet8", "weights": weights_identity("resnet8", workspace.weights)}
    network = build("resnet8", workspace, SHAPES, 0)
    load_weights(network, spec, workspace)
    torch.save(weights(), tmp_path / "w.pt")
    with pytest.raises(PeepholeError, match="has changed since"):
        load_weights(network, spec, workspace)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"fc.weight": torch.zeros(3, 3)}, "do not fit"),
        ({"epoch": 3}, "something else than weights"),
        ({"state_dict": {"epoch": 3}}, "something else than weights"),
        ([1, 2], "something else than weights"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(workspace, tmp_path, content, words):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(PeepholeError, match=words) as error:
        load_file(tmp_path / "w.pt", build("resnet8", workspace, SHAPES, 0))
    assert "\n" not in str(error.value)


class Trap:
    """What a hostile pickle does."""

    def __reduce__(self):
        return (print, ("the pickle ran code",))


def test_a_pickle_with_code_is_not_run(workspace, tmp_path, capsys):
    torch.save({"fc.weight": Trap()}, tmp_path / "w.pt")
    with pytest.raises(PeepholeError, match="no file of weights"):
        load_file(tmp_path / "w.pt", build("resnet8", workspace, SHAPES, 0))
    assert "ran code" not in capsys.readouterr().out
