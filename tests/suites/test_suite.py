import pytest
from pydantic import ValidationError

from peephole.attacks.base import ATTACKS
from peephole.attributions.base import ATTRIBUTIONS
from peephole.datasets.base import DATASETS
from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.base import CALIBRATION
from peephole.models.base import MODELS
from peephole.options import Options
from peephole.suites.suite import Suite, load_suite, suite_names
from peephole.triggers.base import TRIGGERS


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_names_only_what_exists(name):
    suite = load_suite(name)
    assert suite.identifier == name
    assert set(suite.triggers) <= set(TRIGGERS)
    assert set(suite.methods) <= set(ATTRIBUTIONS)
    assert set(suite.calibration) == set(CALIBRATION)
    assert suite.model in MODELS
    assert suite.dataset.name in DATASETS
    assert suite.attack.name in ATTACKS


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
    suite = Options(triggers=("X",), seeds=2).apply(load_suite("quick"))
    assert suite.identifier == "quick/v1+triggers=x+seeds=2"
    assert (suite.triggers, suite.seeds) == (("x",), 2)


def test_a_plus_adds_to_the_suites_own():
    quick = load_suite("quick")
    suite = Options(triggers=("+cross",), methods=("+gradient",)).apply(quick)
    assert suite.triggers == (*quick.triggers, "cross")
    assert suite.methods == quick.methods


def test_changes_of_the_protocol_show(tmp_path):
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"abc")
    options = Options(samples=20, epochs=0.5, model="resnet18", weights=weights)
    suite = options.apply(load_suite("quick"))
    assert suite.identifier == "quick/v1+samples=20+epochs=0.5+model=resnet18+weights=ba7816bf"
    assert (suite.training.epochs, suite.attack.recipe.epochs) == (0.5, 0.5)
    assert suite.probes.report == 20
    assert suite.probes.selection >= 1


def test_the_suites_own_values_are_no_change():
    quick = load_suite("quick")
    options = Options(samples=quick.probes.report, model=quick.model)
    assert options.apply(quick) == quick


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(triggers=("sqare",)), "Did you mean 'square'"),
        (Options(methods=("gradcam",)), "Did you mean 'grad_cam'"),
        (Options(model="resnet"), "resnet8"),
        (Options(seeds=0), "--seeds must be above 0"),
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
