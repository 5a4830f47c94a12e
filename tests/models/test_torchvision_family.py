"""Architectures of torchvision and the weights it knows."""

import subprocess
import sys
from urllib.error import URLError

import pytest
import torch
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError, UnknownName
from peephole.models.base import MODELS
from peephole.models.weights import check_weights, weights_identity

FAMILY = {
    "torchvision_resnet18": (11_689_512, ("IMAGENET1K_V1",), "resnet18-f37072fd.pth"),
    "torchvision_resnet50": (25_557_032, ("IMAGENET1K_V1", "IMAGENET1K_V2"), "resnet50-0676ba61.pth"),
    "torchvision_vgg16": (138_357_544, ("IMAGENET1K_V1",), "vgg16-397923af.pth"),
}


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """The folder that torchvision keeps weights in."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", FAMILY)
def test_sizes_are_the_published_ones(name):
    with torch.device("meta"):
        network = MODELS[name]().build(1000)
    assert sum(weight.numel() for weight in network.parameters()) == FAMILY[name][0]


@pytest.mark.parametrize("name", FAMILY)
def test_weights_of_whole_classifiers_are_known(name):
    assert MODELS[name]().weights == FAMILY[name][1]  # of VGG-16 not IMAGENET1K_FEATURES, whose classifier is NaN


def test_layers_of_a_network_whose_relu_is_shared():
    network = Classifier(Normalise((0.5,) * 3, (0.2,) * 3), MODELS["torchvision_resnet18"]().build(10)).eval()
    blocks = [f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)]
    graph = canonicalise(network, (3, 64, 64))
    assert set(blocks) <= set(graph.layers)
    assert [graph.shapes[block][-1] for block in blocks] == [16, 16, 8, 8, 4, 4, 2, 2]


def test_weights_come_from_torchvisions_cache(checkpoints):
    architecture = MODELS["torchvision_resnet18"]()
    network = architecture.build(1000)
    torch.save(network.state_dict(), checkpoints / FAMILY["torchvision_resnet18"][2])
    found = architecture.pretrained("imagenet1k_v1")
    assert all(found[name].equal(value) for name, value in network.state_dict().items())


def test_weights_are_never_a_pickle(checkpoints, capsys):
    class Trap:
        def __reduce__(self):
            return (print, ("the pickle ran code",))

    torch.save({"fc.weight": Trap()}, checkpoints / FAMILY["torchvision_resnet18"][2])
    with pytest.raises(PeepholeError, match="UnpicklingError"):
        MODELS["torchvision_resnet18"]().pretrained("IMAGENET1K_V1")
    assert "ran code" not in capsys.readouterr().out


@pytest.mark.parametrize("name", FAMILY)
def test_without_a_network_the_file_is_named(name, checkpoints, monkeypatch, capsys):
    def refuse(*args, **options):
        raise URLError("no route\nto host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(PeepholeError) as error:
        MODELS[name]().pretrained("IMAGENET1K_V1")
    message, file = str(error.value), FAMILY[name][2]
    assert f"the file {file} from https://download.pytorch.org/models/{file}" in message
    assert "no route to host" in message
    assert "--weights FILE" in message
    assert "\n" not in message
    assert capsys.readouterr().out == ""


def test_unknown_weights_are_told_what_exists():
    with pytest.raises(UnknownName, match=r"'IMAGENET1K_V3'\. .*There are: IMAGENET1K_V1, IMAGENET1K_V2"):
        MODELS["torchvision_resnet50"]().pretrained("IMAGENET1K_V3")
    with pytest.raises(UnknownName, match="There are: IMAGENET1K_V1, IMAGENET1K_V2"):
        check_weights("torchvision_resnet50", "IMAGENET1K_V3")


def test_named_weights_have_an_identity_and_files_theirs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "IMAGENET1K_V1").write_bytes(b"abc")
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert weights_identity("torchvision_resnet50", "imagenet1k_v1") == "torchvision:resnet50:IMAGENET1K_V1"
    assert weights_identity("torchvision_resnet50", "./IMAGENET1K_V1") == sha
    assert weights_identity("torchvision_resnet50", tmp_path / "IMAGENET1K_V1") == sha
    assert weights_identity("resnet8", "IMAGENET1K_V1") == sha
    check_weights("torchvision_resnet50", "imagenet1k_v1")
    check_weights("resnet8", "IMAGENET1K_V1")


@pytest.mark.parametrize(
    ("model", "weights"), [("resnet8", "IMAGENET1K_V1"), ("torchvision_resnet50", "no.pt"), ("nets:small", "abc")]
)
def test_what_is_neither_file_nor_name_is_refused(model, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PeepholeError, match=f"no file of weights at {weights}; give a .* that {model} knows by name"):
        weights_identity(model, weights)


def test_identities_need_no_torch():
    code = (
        "import sys; from peephole.models.weights import weights_identity; "
        "weights_identity('torchvision_vgg16', 'IMAGENET1K_V1'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_layer_starts_as_torchvision_starts_it():
    torch.manual_seed(0)
    network = MODELS["torchvision_resnet18"]().build(7)
    assert network.fc.out_features == 7
    stem = network.conv1.weight
    assert stem.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.05)
    assert all((module.weight == 1).all() for module in network.modules() if isinstance(module, nn.BatchNorm2d))
