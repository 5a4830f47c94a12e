import pytest
from pydantic import ValidationError

from peephole.attacks.base import ATTACKS
from peephole.attributions.methods import build, resolve
from peephole.datasets.base import DATASETS
from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.base import CALIBRATION
from peephole.models.base import MODELS
from peephole.options import Options
from peephole.suites.suite import ProbeChoice, Suite, load_suite, suite_names
from peephole.triggers import texts


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_names_only_what_exists(name):
    suite = load_suite(name)
    assert suite.identifier == name
    assert [texts.resolve(trigger) for trigger in suite.triggers] == list(suite.triggers)
    assert [resolve(method) for method in suite.methods] == list(suite.methods)
    assert set(suite.probes.fewer) <= {resolve(method) for method in suite.probes.fewer}
    assert set(suite.calibration) == set(CALIBRATION)
    assert suite.model in MODELS
    assert suite.dataset.name in DATASETS
    assert suite.attack.name in ATTACKS


@pytest.mark.parametrize("name", suite_names())
def test_every_method_of_a_suite_can_be_built(name):
    for method in load_suite(name).methods:
        assert callable(build(method).attribute)


def test_methods_of_a_suite_are_kept_in_their_one_spelling():
    content = load_suite("quick").model_dump()
    methods = ["Grad-CAM", "tif(DeepLift,.9)", "Captum:LRP"]
    probes = {"report": 20, "selection": 5, "fewer": {"Score-CAM": 0.25}}
    suite = Suite.model_validate({**content, "methods": methods, "probes": probes})
    assert suite.methods == ("grad_cam", "tif(deeplift, 0.9)", "captum:LRP")
    assert suite.probes.fewer == {"score_cam": 0.25}


def test_a_suite_with_an_unknown_method_is_refused():
    content = load_suite("quick").model_dump()
    with pytest.raises(UnknownName, match="Did you mean 'gradient'"):
        Suite.model_validate({**content, "methods": ["gradiant"]})
    with pytest.raises(UnknownName, match="Did you mean 'score_cam'"):
        Suite.model_validate({**content, "probes": {"report": 20, "selection": 5, "fewer": {"scorecam": 0.25}}})


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1])
def test_fewer_pictures_are_a_share_between_none_and_all(share):
    with pytest.raises(ValidationError, match="score_cam"):
        ProbeChoice(report=20, selection=5, fewer={"score_cam": share})


@pytest.mark.parametrize(
    ("method", "share"),
    [
        ("gradient", 1.0),
        ("score_cam", 0.25),
        ("tif(score_cam, 0.9)", 0.25),
        ("tif(captum:Occlusion(sliding_window_shapes=3), 0.9)", 0.1),
        ("captum:Occlusion", 0.1),
        ("captum:LRP", 1.0),
        ("smoothgrad(100)", 0.75),
        ("smoothgrad", 0.5),
        ("tif(smoothgrad(100), 0.9)", 0.5),
    ],
)
def test_a_costly_method_makes_costly_what_is_made_of_it(method, share):
    fewer = {"score_cam": 0.25, "captum:Occlusion": 0.1, "smoothgrad": 0.5, "smoothgrad(100)": 0.75}
    assert ProbeChoice(report=20, selection=5, fewer=fewer).share(method) == share


def test_a_bare_name_is_the_newest_version():
    assert load_suite("quick").identifier == "quick/v1"


def test_an_unknown_suite_is_told_what_exists():
    with pytest.raises(UnknownName, match="Did you mean 'quick'") as error:
        load_suite("quik")
    assert "cifar10/v1" in str(error.value)


def test_a_typo_in_a_suite_is_an_error():
    content = load_suite("quick").model_dump()
    with pytest.raises(ValidationError, match="sampels"):
        Suite.model_validate({**content, "sampels": 3})
    with pytest.raises(ValidationError, match="epoch"):
        Suite.model_validate({**content, "training": {"epoch": 1, "batch_size": 8, "learning_rate": 0.1}})


def test_a_choice_of_methods_does_not_change_the_identifier():
    suite = Options(methods=("Grad-CAM", "gradient")).apply(load_suite("quick"))
    assert suite.identifier == "quick/v1"
    assert suite.methods == ("grad_cam", "gradient")


def test_other_triggers_or_seeds_make_another_score_and_another_identifier():
    suite = Options(triggers=("X",), seeds=3).apply(load_suite("quick"))
    assert suite.identifier == "quick/v1+triggers=x+seeds=3"
    assert (suite.triggers, suite.seeds) == (("x",), 3)


def test_a_plus_adds_to_the_suites_own():
    quick = load_suite("quick")
    suite = Options(triggers=("+cross",), methods=("+gradient",)).apply(quick)
    assert suite.triggers == (*quick.triggers, "cross")
    assert suite.methods == quick.methods


def test_methods_are_texts():
    quick = load_suite("quick")
    options = Options(methods=("+SmoothGrad(samples=3)", "+tif(grad-cam, 0.5)", "+gradient()", "+tif(Grad_CAM, .5)"))
    assert options.apply(quick).methods == (*quick.methods, "smoothgrad(samples=3)", "tif(grad_cam, 0.5)")
    assert options.apply(quick).identifier == "quick/v1"


def test_more_samples_leave_the_shares_as_they_are():
    quick = load_suite("quick")
    probes = quick.probes.model_copy(update={"fewer": {"gradient": 0.5}})
    changed = Options(samples=20).apply(quick.model_copy(update={"probes": probes}))
    assert (changed.probes.report, changed.probes.share("gradient")) == (20, 0.5)


def test_changes_of_the_protocol_show(tmp_path):
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"abc")
    options = Options(samples=20, epochs=0.5, model="resnet18", weights=weights)
    suite = options.apply(load_suite("quick"))
    assert suite.identifier == "quick/v1+samples=20+epochs=0.5+model=resnet18+weights=ba7816bf"
    assert (suite.training.epochs, suite.attack.recipe.epochs) == (0.5, 0.5)
    assert suite.probes.report == 20
    assert suite.probes.selection >= 1


def test_weights_with_a_name_and_networks_of_ones_own_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ownmodel.py").write_text("def small(): ...\n")
    quick = load_suite("quick")
    suite = Options(model="torchvision-resnet50", weights="imagenet1k_v2").apply(quick)
    assert suite.identifier == "quick/v1+model=torchvision_resnet50+weights=IMAGENET1K_V2"
    assert Options(weights="IMAGENET1K_V2").weights_identity(suite) == "torchvision:resnet50:IMAGENET1K_V2"
    assert Options().weights_identity(suite) is None
    assert Options(model="ownmodel:small").apply(quick).identifier == "quick/v1+model=ownmodel:small"


def test_another_model_has_the_suites_weights_if_it_knows_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ownmodel.py").write_text("def small(): ...\n")
    named = {"model": "torchvision_resnet50", "weights": "IMAGENET1K_V1"}
    suite = load_suite("quick").model_copy(update=named)
    assert Options().weights_identity(Options().apply(suite)) == "torchvision:resnet50:IMAGENET1K_V1"
    for model, weights in (("torchvision_vgg16", "IMAGENET1K_V1"), ("resnet8", None), ("ownmodel:small", None)):
        assert Options(model=model).apply(suite).weights == weights


def test_the_suites_own_values_are_no_change():
    quick = load_suite("quick")
    options = Options(samples=quick.probes.report, model=quick.model)
    assert options.apply(quick) == quick


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(triggers=("sqare",)), "Did you mean 'square'"),
        (Options(methods=("gradcam",)), "Did you mean 'grad_cam'"),
        (Options(methods=("smoothgrad(sample=3)",)), "there is no option sample"),
        (Options(methods=("+smoothgrad(samples=0)",)), "samples should be"),
        (Options(methods=("captum:Salency",)), "Salency"),
        (Options(methods=("tif(",)), "cannot be read"),
        (Options(methods=("+gradient", "grad_cam")), "with and without '\\+'"),
        (Options(model="resnet"), "resnet8"),
        (Options(model="nowhere:net"), "there is no module nowhere"),
        (Options(model="torchvision_resnet18", weights="IMAGENET1K_V2"), "There are: IMAGENET1K_V1"),
        (Options(weights="IMAGENET1K_V2"), "no file of weights at IMAGENET1K_V2; .* that resnet8 knows by name"),
        (Options(seeds=0), "--seeds must be above 0"),
        (Options(held_out=-1), r"--held-out must be at least 0 and below 2\*\*63, not -1\."),
        (Options(held_out=2**63), r"--held-out must be at least 0 and below 2\*\*63, not 9223372036854775808\."),
        (Options(samples=-1), "--samples must be above 0"),
        (Options(epochs=0), "--epochs must be above 0"),
    ],
)
def test_bad_options_are_one_clear_line(options, words):
    with pytest.raises(PeepholeError, match=words) as error:
        options.apply(load_suite("quick"))
    assert "\n" not in str(error.value)


def test_a_missing_file_of_weights_is_named(tmp_path):
    with pytest.raises(PeepholeError, match="no file of weights"):
        Options(weights=tmp_path / "nothing.pt").apply(load_suite("quick"))
