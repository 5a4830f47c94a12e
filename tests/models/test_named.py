"""Models by name: registered ones, and the user's own."""

import subprocess
import sys
from textwrap import dedent

import pytest
import torch
from torch import nn

from peephole.errors import PeepholeError, UnknownName
from peephole.models.base import MODELS
from peephole.models.named import build, digest, resolve

NETS = '''
from torch import nn
from ownblocks.parts import head
import json

WIDTH = 4

class Small(nn.Module):
    """A network."""
    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, WIDTH, 3), nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = head(WIDTH, classes)
    def forward(self, x):
        return self.head(self.body(x).flatten(1))

def ten():
    return Small()

def other_word(num_classes, width=3):
    return Small(num_classes)

ONE = Small()
def same():
    return ONE

def needs(depth):
    return Small()

def number(): return 3
def broken(): raise ValueError("no\\nway")
def halved():
    return nn.Sequential(Small(), nn.Flatten(0))
def paired():
    class Two(Small):
        def forward(self, x): return super().forward(x), x
    return Two()
def blind():
    return Small().double()
def evaluated():
    network = Small().eval()
    network.head.train()
    return network
'''
PARTS = """
from torch import nn
from . import unused
from .deeper import bias

def head(width, classes):
    return nn.Linear(width, classes, bias=bias)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of one's own, as the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ownnets.py").write_text(NETS)
    (tmp_path / "ownblocks").mkdir()
    (tmp_path / "ownblocks" / "__init__.py").write_text("")
    (tmp_path / "ownblocks" / "parts.py").write_text(PARTS)
    (tmp_path / "ownblocks" / "deeper.py").write_text("bias = True\n")
    (tmp_path / "ownblocks" / "unused.py").write_text("")
    (tmp_path / "ownbroken.py").write_text("import torch_that_is_not_there\n")
    (tmp_path / "ownwrong.py").write_text("def f(:\n")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in [name for name in sys.modules if name.startswith("own")]:
        del sys.modules[name]


def test_registered_names_are_the_registrys():
    assert resolve("ResNet8") == "resnet8"
    assert digest("ResNet8") == MODELS.digest("resnet8")
    assert build("resnet8", 7, 32).fc.out_features == 7
    with pytest.raises(UnknownName, match="Did you mean 'resnet8'"):
        resolve("resnet9")


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("ownnets:Small", 7),
        ("ownnets:Small", 10),
        (" ownnets : ten ", 10),
        ("ownnets:other_word", 5),
        ("ownnets:same", 10),
    ],
)
def test_networks_of_ones_own_are_built(folder, name, classes):
    assert resolve(name) == name.replace(" ", "")
    network = build(name, classes, 16)
    assert isinstance(network, nn.Module)
    assert network(torch.rand(3, 3, 16, 16)).shape == (3, classes)
    assert all(part.training for part in network.modules())
    assert network.body[1].num_batches_tracked == 1  # of the call above alone


def test_every_call_gives_weights_of_their_own(folder):
    first, second = build("ownnets:same", 10, 16), build("ownnets:same", 10, 16)
    with torch.no_grad():
        first.head.weight.zero_()
    assert second.head.weight.abs().sum() > 0


def test_modes_stay_as_the_factory_left_them(folder):
    network = build("ownnets:evaluated", 10, 16)
    assert network.head.training
    assert not network.body.training


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:f", "there is no module nowhere in the current folder"),
        ("ownblocks.nowhere:f", "there is no module ownblocks.nowhere"),
        ("ownnets.deeper:f", "there is no module ownnets.deeper"),
        ("ownnets.py:ten", "expected module:factory"),
        ("./ownnets:ten", "expected module:factory"),
        ("ownnets:", "expected module:factory"),
        (":ten", "expected module:factory"),
        ("ownnets:tenn", "unknown factory of ownnets 'tenn'. Did you mean 'ten'?"),
        ("ownnets:WIDTH", "is a int; expected a factory"),
        ("ownnets:ONE", "is a Small; expected a factory"),
        ("ownnets:needs", "needs depth; expected a factory without arguments, or with classes alone"),
        ("ownnets:number", "makes a int; expected a network"),
        ("ownnets:broken", "failed (ValueError: no way)"),
        ("ownnets:halved", "answers two pictures with a tensor [20]; expected logits [2, 10]"),
        ("ownnets:paired", "answers two pictures with a tuple; expected logits [2, 10]"),
        ("ownnets:blind", "does not take pictures of 3×16×16 (RuntimeError"),
        ("ownbroken:f", "cannot be imported (ModuleNotFoundError: No module named 'torch_that_is_not_there')"),
        ("ownwrong:f", "cannot be imported (SyntaxError"),
        ("__main__:f", "there is no module __main__"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(folder, name, words):
    with pytest.raises(PeepholeError) as error:
        build(name, 10, 16)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_another_number_of_classes_is_refused(folder):
    with pytest.raises(PeepholeError, match=r"tensor \[2, 10\]; expected logits \[2, 4\].*take `classes`"):
        build("ownnets:ten", 4, 16)


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("ownnets.py", "WIDTH = 4", "WIDTH = 5", True),
        ("ownnets.py", "WIDTH = 4", "WIDTH  =  4  # channels", False),
        ("ownblocks/parts.py", "bias=bias", "bias=not bias", True),
        ("ownblocks/deeper.py", "True", "False", True),
        ("ownblocks/unused.py", "", "one = 1", True),
        ("ownblocks/__init__.py", "", "one = 1", True),
        ("ownbroken.py", "import", "import ", False),
        ("ownbroken.py", "not_there", "here", False),
    ],
)
def test_a_digest_follows_the_code_and_what_it_imports_from_beside_it(folder, file, old, new, changes):
    before = digest("ownnets:ten")
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(old, new) if old else new)
    assert (digest("ownnets:ten") != before) == changes


def test_a_file_that_is_no_python_has_no_digest(folder):
    with pytest.raises(PeepholeError, match=r"ownwrong\.py is no Python"):
        digest("ownwrong:f")


def test_of_an_installed_module_the_version_counts(monkeypatch):
    before = digest("torchvision.models:alexnet")
    assert before != digest("torchvision.models.alexnet:alexnet")
    monkeypatch.setattr("peephole.models.modules.version", lambda distribution: "99.0")
    assert digest("torchvision.models:alexnet") != before


def test_names_are_resolved_without_importing_anything(folder):
    code = dedent(
        """
        import sys
        from peephole.models.named import digest, resolve
        digest(resolve('ownblocks.parts:head')), digest(resolve('resnet8'))
        sys.exit('torch' in sys.modules or 'ownblocks' in sys.modules)
        """
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=folder).returncode == 0
