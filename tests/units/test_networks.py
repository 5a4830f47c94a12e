import pytest
import torch

from peephole.errors import PeepholeError
from peephole.store.store import Store
from peephole.units.networks import build, load_file, weight_arrays
from peephole.workspace import Workspace

SHAPES = {"name": "shapes", "side": 32}


@pytest.fixture
def workspace(tmp_path):
    return Workspace(Store(tmp_path / "store"), "cpu")


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
    for name, array in weight_arrays(source).items():
        assert (array == weight_arrays(filled)[name]).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"fc.weight": torch.zeros(3, 3)}, "do not fit"),
        ({"epoch": 3}, "something else than weights"),
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
