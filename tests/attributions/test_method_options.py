"""From texts to methods: names, options, defaults, digests."""

import subprocess
import sys

import pytest

from peephole.attributions.adapters import installed
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.construction import options_of
from peephole.attributions.methods import build, digest, is_plain, names_in, resolve
from peephole.errors import PeepholeError, UnknownName
from peephole.registry import Registry


class Checked:
    """A method of somebody else: an ordinary class that checks what it is given itself."""

    title = "Checked"
    source = "Nobody. Nowhere."

    def __init__(self, needed, power=2):
        if not power < 9:
            raise ValueError("power is too large,\nby far")
        self.needed, self.power = needed, power

    def attribute(self, model, x, target, layers):
        raise NotImplementedError


@pytest.fixture
def checked(monkeypatch):
    """As if another distribution had brought it, and it were loaded."""
    monkeypatch.setitem(ATTRIBUTIONS._foreign, "checked", None)
    monkeypatch.setitem(ATTRIBUTIONS._things, "checked", Checked)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("Grad-CAM", "grad_cam"),
        ("gradient()", "gradient"),
        ("SmoothGrad( samples=10,noise=.2 )", "smoothgrad(samples=10, noise=0.2)"),
        ("tif(DeepLift, 0.9)", "tif(deeplift, 0.9)"),
        ("cascade(Guided-Backprop, 3, below=LRP-z)", "cascade(guided_backprop, 3, below=lrp_z)"),
        ("Captum:IntegratedGradients(n_steps=20)", "captum:IntegratedGradients(n_steps=20)"),
        ("tif(grad-cam:GradCAM, 0.7)", "tif(grad_cam:GradCAM, 0.7)"),
    ],
)
def test_names_are_resolved_and_spelled_in_one_way(text, spelling):
    assert resolve(text) == spelling
    assert resolve(spelling) == spelling


@pytest.mark.parametrize("text", ["gradiant", "tif(gradiant, 0.9)", "tif(method=smoothgrad(gradiant))"])
def test_an_unknown_method_is_told_what_exists(text):
    with pytest.raises(PeepholeError, match=r"unknown attribution 'gradiant'\. Did you mean 'gradient'"):
        resolve(text)


def test_an_unknown_library_is_told_what_exists():
    with pytest.raises(UnknownName, match=r"unknown library 'captom'. Did you mean 'captum'"):
        resolve("captom:LRP")


def test_text_without_quotes_is_told_to_have_some():
    with pytest.raises(PeepholeError, match=r"If 'layer3\.0' is text and no method, put it in quotes"):
        resolve("from_activation(gradient, layer=layer3.0)")


def test_names_in_a_text():
    assert names_in("tif(Captum:LRP, 0.9)") == ("tif", "captum:LRP")
    assert names_in("gradient") == ("gradient",)


@pytest.mark.parametrize(
    ("text", "plain"), [("Gradient", True), ("tif(gradient)", False), ("captum:LRP", False), ("gradient(x=1)", False)]
)
def test_plain_names(text, plain):
    assert is_plain(text) == plain


def test_options_by_place_and_by_name_build_the_same():
    assert build("smoothgrad(10, 0.2)") == build("smoothgrad(samples=10, noise=0.2)")
    assert build("smoothgrad(10, 0.2)") != build("smoothgrad")
    assert build("tif(gradient, 0.7)") == build("tif(alpha=0.7, method=gradient)")
    assert build("smoothgrad(noise=1)").noise == 1.0


def test_a_library_method_gets_its_options():
    pytest.importorskip("captum")
    assert build("captum:IntegratedGradients(n_steps=7)").options["n_steps"] == 7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("smoothgrad(sample=10)", "there is no option sample"),
        ("gradient(3)", "more values than options; gradient takes no options"),
        ("smoothgrad(10, samples=10)", "samples is given twice"),
        ("smoothgrad(samples=0)", "samples should be greater than or equal to 1, not 0"),
        ("smoothgrad(samples=2.5)", "samples should be a valid integer"),
        ("smoothgrad(samples='10')", "samples should be a number, not '10'"),
        ("smoothgrad(samples=true)", "samples should be a number, not True"),
        ("smoothgrad(squared=1)", "squared should be a boolean, not 1"),
        ("smoothgrad(samples=(1, 2))", r"samples should be a valid integer, not \(1, 2\)"),
        ("smoothgrad(samples=none)", "samples should be a valid integer, not None"),
        ("smoothgrad(samples=gradient)", "samples should be a valid integer, not gradient"),
        ("tif(3)", "method: expected a method"),
        ("tif(gradient, gradient)", "alpha should be a valid number, not gradient"),
        ("tif(smoothgrad(samples=0), 0.5)", r"smoothgrad\(samples=0\): samples should be"),
        ("restricted(units='some')", "units should be 'largest' or 'smallest', not 'some'"),
        ("cameras(smallest=500, largest=100)", "largest=100 should be above smallest=500"),
    ],
)
def test_wrong_options_are_one_line_that_lists_the_right_ones(text, reason):
    with pytest.raises(PeepholeError, match=reason) as caught:
        build(text)
    message = str(caught.value)
    assert "\n" not in message
    assert " takes " in message
    if text.startswith("smoothgrad"):
        assert message.endswith("smoothgrad takes samples=25, noise=0.15, squared=False, seed=0.")


@pytest.mark.parametrize("text", ["captum:Saliency(3)", "captum:Saliency(x=gradient)", "captum:Saliency((gradient,))"])
def test_a_librarys_options_are_values_with_names(text):
    with pytest.raises(PeepholeError, match="options of a library's method are values with names"):
        resolve(text)


def test_a_method_that_checks_its_options_itself(checked):
    assert build("checked(1)").power == 2
    assert options_of("checked") == "needed, power=2"
    with pytest.raises(PeepholeError, match=r"^checked\(1, power=9\): power is too large, by far; checked takes"):
        build("checked(1, power=9)")
    with pytest.raises(PeepholeError, match="'<' not supported"):
        build("checked(1, power='a')")
    with pytest.raises(PeepholeError, match=r"^checked: needed is missing; checked takes needed, power=2\.$"):
        build("checked")


def test_options_are_listed_as_they_are_written():
    assert options_of("gradient") == ""
    assert options_of("smoothgrad") == "samples=25, noise=0.15, squared=False, seed=0"
    assert options_of("tif") == "method=deeplift, alpha=0.9"
    assert build(f"tif({options_of('tif')})") == build("tif")


def test_the_digest_of_a_name_is_the_registrys():
    assert digest("Grad-CAM") == digest("grad_cam()") == ATTRIBUTIONS.digest("grad_cam")


def test_digests_differ_with_options_and_not_with_spelling():
    texts = ["tif", "tif(deeplift)", "tif(deeplift, 0.9)", "tif(gradient, 0.9)", "captum:LRP", "captum:Saliency"]
    assert len({digest(text) for text in texts}) == len(texts)
    assert digest("TIF( DeepLift,.9 )") == digest("tif(deeplift, 0.9)")


@pytest.mark.parametrize("name", ["tif", "gradient"])
def test_a_digest_follows_the_code_of_every_method_in_the_text(name, monkeypatch):
    before, other = digest("tif(gradient, 0.9)"), digest("tif(deeplift, 0.9)")
    code = Registry.digest
    monkeypatch.setattr(Registry, "digest", lambda registry, one: code(registry, one) + ("x" if one == name else ""))
    assert digest("tif(gradient, 0.9)") != before
    assert (digest("tif(deeplift, 0.9)") != other) == (name == "tif")


def test_a_digest_follows_the_librarys_version(monkeypatch):
    texts = ("captum:LRP", "tif(captum:LRP, 0.9)")
    before = [digest(text) for text in texts]
    own = digest("tif(gradient, 0.9)")
    monkeypatch.setattr(installed, "version", lambda distribution: "99.0")
    assert all(digest(text) != old for text, old in zip(texts, before, strict=True))
    assert digest("tif(gradient, 0.9)") == own


def test_texts_are_resolved_and_digested_without_torch():
    code = (
        "import sys; from peephole.attributions.methods import digest, resolve; "
        "digest(resolve('tif(captum:LRP, 0.9)')); sys.exit('torch' in sys.modules or 'captum' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
