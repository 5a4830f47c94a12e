"""`peephole explain`, from the flags to the figure, on a network that nobody has taught."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from peephole.attributions.classifier import Classifier, Normalise
from peephole.cli import app
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.imagenet import Imagenet
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.explaining.by_layer import colour, cosine
from peephole.explaining.drawing import draw_explanation
from peephole.explaining.explanation import Explanation, explain
from peephole.explaining.picture import Shown, read_picture
from peephole.explaining.subject import OWN, Subject, label_of, of_model, of_run
from peephole.explaining.tiles import as_picture, spread
from peephole.figures.style import paper_style
from peephole.models.resnet8 import ResNet8
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.networks import state_arrays

SHAPES = Shapes()


@pytest.fixture(scope="module")
def network() -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Classifier(Normalise(SHAPES.mean, SHAPES.std), ResNet8().build(10)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weights(network: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "net.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "wide.png"
    values = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture(scope="module")
def subject(network: Classifier) -> Subject:
    return Subject(network, torch.device("cpu"), SHAPES.classes, 32, "a network", SHAPES, None)


@pytest.fixture(scope="module")
def explained(subject: Subject, picture: Path) -> Explanation:
    shown = read_picture(str(picture), subject)
    decision = explain(subject, shown).decision.label
    return explain(subject, shown, target=(decision + 1) % 10, label=(decision + 2) % 10)


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def test_numbers_are_those_of_the_maps(explained: Explanation, subject: Subject) -> None:
    x = torch.from_numpy(explained.image.copy()).float()[None] / 255
    before = seen = subject.network.normalise(x)[0].double().numpy()
    assert explained.decision.label == int(subject.network(x).argmax())
    assert [one.role for one in explained.attributions] == ["decision", "target", "label"]
    assert explained.target == explained.attributions[1].label
    target = explained.attributions[1].map.astype(np.float64)

    def like(one: Any, other: Any) -> float:
        return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))

    for one in explained.layers:
        values = one.map.astype(np.float64)
        assert one.alignment == pytest.approx(like(values, seen), abs=1e-6)
        assert one.kept == pytest.approx(like(values, before), abs=1e-6)
        assert one.attribution == pytest.approx(like(values, target), abs=1e-6)
        before = values
    assert explained.most_lost.kept == min(one.kept for one in explained.layers)
    assert sum(one.probability for one in explained.attributions) <= 1


def test_what_is_asked_twice_is_shown_once(subject: Subject, picture: Path) -> None:
    shown = read_picture(str(picture), subject)
    decision = explain(subject, shown).decision.label
    found = explain(subject, shown, target=decision, label=decision)
    assert [one.role for one in found.attributions] == ["decision"]
    assert found.target == found.truth == decision


def test_cosine_and_colour_of_what_has_none() -> None:
    maps = torch.zeros(2, 3, 4, 4)
    maps[1] = 1e-30
    assert cosine(maps, torch.ones(3, 4, 4))[0].isnan()
    assert float(cosine(maps, torch.ones(3, 4, 4))[1]) == pytest.approx(1)
    assert colour(maps)[0].isnan()
    assert float(colour(maps)[1]) == 0
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 2
    assert float(colour(red)) == pytest.approx(2 / 3)


def test_maps_for_the_eye_go_from_black_to_white() -> None:
    shown = as_picture(np.array([[[-2.0, 0.0]], [[1.0, 2.0]], [[0.0, 0.0]]]))
    assert shown.shape == (1, 2, 3)
    assert shown[0, 0].tolist() == [0, 0.75, 0.5]
    assert as_picture(np.zeros((1, 2, 2))).tolist() == np.full((2, 2, 3), 0.5).tolist()
    assert spread(5, 9) == [0, 1, 2, 3, 4]
    assert spread(40, 3) == [0, 20, 39]


def test_the_figure_has_a_tile_for_everything_and_the_caption_tells_the_failure(explained: Explanation) -> None:
    for width in (2.0, 7.0):
        with paper_style():
            drawing = draw_explanation(explained, width)
        figure = drawing.figure
        assert len(figure.axes) == 1 + len(explained.layers) + 3
        boxes = [axes.get_position() for axes in figure.axes]
        assert all(box.x0 >= 0 and box.x1 <= 1.0001 and box.y0 >= 0 and box.y1 <= 1 for box in boxes)
        strong = [text for text in figure.texts if text.get_fontweight() == "bold"]
        assert [text.get_text() for text in strong] == [
            f"picture {explained.most_lost.alignment:.2f}\nbefore {explained.most_lost.kept:.2f}"
        ]
    assert f"wrongly: it is {explained.attributions[2].name}" in drawing.caption


@pytest.mark.parametrize(("size", "fit"), [((32, 32), None), ((50, 40), None), ((32, 32), CentreCrop.usual(32))])
def test_pictures_are_made_square_as_the_data_set_does(
    subject: Subject, tmp_path: Path, size: tuple[int, int], fit: CentreCrop | None
) -> None:
    path = tmp_path / "a.png"
    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))
    image.save(path)
    own = Subject(**{**vars(subject), "fit": fit})
    expected = image if fit is None and size == (32, 32) else (fit or CentreCrop(32, 32))(image)
    assert (read_picture(str(path), own).image == np.asarray(expected).transpose(2, 0, 1)).all()


def test_a_test_picture_comes_with_its_label(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shapes, "counts", {"train": 20, "test": 30})
    pictures = SHAPES.load("test")
    found = read_picture("test:7", subject)
    assert found.label == pictures.labels[7]
    assert (found.image == pictures.images[7]).all()
    for text in ("test:30", "test:-1", "test:x", "test:"):
        with pytest.raises(PeepholeError, match="they are test:0 to test:29"):
            read_picture(text, subject)
    with pytest.raises(PeepholeError, match="not at hand"):
        read_picture("test:7", Subject(**{**vars(subject), "dataset": None}))


def test_labels_are_numbers_or_names() -> None:
    many = [f"class {number}" for number in range(100)]
    assert label_of("3", SHAPES.classes) == 3
    assert label_of(" Heart", SHAPES.classes) == SHAPES.classes.index("heart")
    assert label_of("CLASS 70", many) == 70
    for text, classes, words in (
        ("10", SHAPES.classes, "labels are 0 to 9"),
        ("-1", SHAPES.classes, "labels are 0 to 9"),
        ("hart", SHAPES.classes, "Did you mean 'heart'"),
        ("nothing", many, "among 100; give its number"),
        ("crane", ("crane", "bus", "crane"), "labels 0, 2 are all called 'crane'"),
    ):
        with pytest.raises(PeepholeError, match=words) as told:
            label_of(text, classes)
        assert "\n" not in str(told.value)


def test_the_command_writes_figure_and_numbers(weights: Path, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "made.svg"
    told = call(
        *(picture, "--model", "resnet8", "--weights", weights, "--dataset", "shapes", "--label", "ring"),
        *("--target", "4", "--out", out, "--device", "cpu", "--json"),
    )
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert out.read_text().startswith("<?xml")
    assert found["target"] == 4
    assert found["truth"] == SHAPES.classes.index("ring")
    assert [one["layer"] for one in found["layers"]] == ["stem", "layer1.0", "layer2.0", "layer3.0"]
    assert {one["label"] for one in found["attributions"]} >= {4, found["truth"]}
    again = call(
        picture, "--model", "resnet8", "--weights", weights, "--dataset", "shapes", "--out", tmp_path / "a.png"
    )
    assert again.exit_code == 0
    assert "like the map before" in again.stdout
    assert f"{tmp_path / 'a.png'}: wide.png, decided" in again.stdout.replace("\n", " ")


def test_a_model_of_a_run_is_found(
    network: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Path
) -> None:
    import peephole
    from peephole.request import request_of, write_request
    from peephole.runner import plan_run
    from peephole.store.folder import open_folder

    monkeypatch.setattr(Shapes, "counts", {"train": 20, "test": 30})
    options = peephole.Options(seeds=1, triggers=("square", "wanet"), methods=("gradient",))
    plan, folder = plan_run("quick", options=options), tmp_path / "results"
    open_folder(folder, create=True)
    write_request(request_of(plan, options), folder)
    store = Store(folder / "store")
    clean, poisoned = plan.first[0].clean, plan.first[1].model
    for unit, factor in ((clean, 1.0), (poisoned, 2.0)):
        arrays = {name: factor * value for name, value in state_arrays(network, "weights").items()}
        store.write(unit.kind, unit.digest, unit.identity, Shard(arrays, {}), 0.0)
    found = of_run(folder, device="cpu")
    assert found.described == "resnet8 on shapes, a clean model of seed 0"
    assert found.classes == SHAPES.classes
    given = network.state_dict()
    for subject, factor in ((found, 1.0), (of_run(folder, trigger="wanet", seed=0, device="cpu"), 2.0)):
        for name, value in subject.network.state_dict().items():
            assert value.double().numpy() == pytest.approx(factor * given[name].double().numpy()), name
    told = call("test:3", "--run", folder, "--trigger", "wanet", "--out", tmp_path / "a.pdf", "--device", "cpu")
    assert told.exit_code == 0, told.output
    assert (tmp_path / "a.pdf").stat().st_size > 1000
    for flags, words in (
        ({"trigger": "square"}, "lacks this model"),
        ({"trigger": "badnet"}, "unknown model of this run 'badnet'"),
        ({"seed": 3}, "its seeds are 0"),
    ):
        with pytest.raises(PeepholeError, match=words):
            of_run(folder, device="cpu", **flags)  # type: ignore[arg-type]


def test_weights_with_a_name_need_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from peephole.models import torchvision_family, torchvision_resnet18

    pytest.importorskip("torchvision")
    given: list[str] = []

    def pretrained(self: object, name: str) -> dict[str, torch.Tensor]:
        given.append(name)
        network = torchvision_resnet18.TorchvisionResNet18().build(1000)
        return {key: torch.full_like(value, 0.01) for key, value in network.state_dict().items()}

    monkeypatch.setattr(torchvision_family.TorchvisionModel, "pretrained", pretrained)
    found = of_model("torchvision_resnet18", "IMAGENET1K_V1", device="cpu")
    assert given == ["IMAGENET1K_V1"]
    assert len(found.classes) == 1000
    assert found.classes[633] == "loupe"
    assert (found.side, str(found.fit), found.dataset) == (224, str(CentreCrop.usual(224)), None)
    assert found.network.normalise.mean.flatten().tolist() == pytest.approx(Imagenet.mean)


def test_a_factory_may_come_with_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net_of_explain.py").write_text(
        "from torch import nn\ndef small(classes):\n"
        "    body = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()\n"
        "    return nn.Sequential(*body, nn.Linear(4, classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    found = of_model("own_net_of_explain:small", OWN, dataset="shapes", device="cpu")
    shown = Shown(np.zeros((3, 32, 32), np.uint8), None, "black")
    assert len(explain(found, shown).layers) >= 1
    with pytest.raises(PeepholeError, match="or --weights own if"):
        of_model("own_net_of_explain:small", None, dataset="shapes")


def test_a_network_that_cannot_be_cut_is_refused(subject: Subject) -> None:
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))
    own = Subject(**{**vars(subject), "network": Classifier(Normalise(SHAPES.mean, SHAPES.std), flat).eval()})
    with pytest.raises(PeepholeError, match="no layer above its input"):
        explain(own, Shown(np.zeros((3, 32, 32), np.uint8), None, "black"))


MODEL = ("--model", "resnet8", "--dataset", "shapes", "--weights", "WEIGHTS", "--device", "cpu")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.jpg", *MODEL), "there is no picture at nothing.jpg"),
        (("TEXT", *MODEL), "cannot be read"),
        (("PICTURE", *MODEL, "--target", "12"), "there is no label 12"),
        (("PICTURE", *MODEL, "--label", "hart"), "Did you mean 'heart'"),
        (("PICTURE", *MODEL, "--method", "grad_cam"), "without the picture's channels"),
        (("PICTURE", *MODEL, "--method", "smoothgrad"), "expected a rule of one backward pass"),
        (("PICTURE", *MODEL, "--out", "a.gif"), "names no format"),
        (("PICTURE", *MODEL, "--width", "1"), "--width is in inches"),
        (("PICTURE", *MODEL, "--run", "results"), "--run is of a run and does not go with --model"),
        (("PICTURE", *MODEL, "--device", "nonsense"), "cannot use device 'nonsense'"),
        (("PICTURE", "--weights", "WEIGHTS"), "--weights goes with --model NAME"),
        (("PICTURE", "--run", "no-such-folder"), "holds no results"),
        (("PICTURE", "--model", "resnet8"), "resnet8 is not trained"),
        (("PICTURE", "--model", "resnet8", "--weights", "WEIGHTS"), "give --dataset NAME"),
        (("PICTURE", "--model", "resnet8", "--weights", "own", "--dataset", "shapes"), "is for networks of your own"),
        (("PICTURE", "--model", "resnet9", "--weights", "WEIGHTS"), "unknown model 'resnet9'"),
        (("PICTURE", "--model", "resnet8", "--weights", "gone.pt", "--dataset", "shapes"), "no file of weights"),
        (("PICTURE", "--model", "no_such_module:net", "--weights", "own", "--dataset", "shapes"), "there is no module"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ",
)
def test_mistakes_are_answered_in_a_line(
    arguments: tuple[str, ...],
    words: str,
    weights: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    places = {"WEIGHTS": str(weights), "PICTURE": str(picture), "TEXT": str(text)}
    told = call(*(places.get(each, each) for each in arguments))
    assert isinstance(told.exception, PeepholeError), told.output
    assert words in str(told.exception)
    assert "\n" not in str(told.exception)
    assert not list(tmp_path.glob("explanation.*"))


def test_the_namespace_of_data_sets_stays_as_it_is() -> None:
    """A data set without a way to make pictures square has none."""
    from peephole.explaining.subject import _fit

    assert _fit(SHAPES) is None
    assert _fit(SimpleNamespace(fit=CentreCrop.usual(32))) == CentreCrop.usual(32)  # type: ignore[arg-type]
