"""The texts that name methods: what is read, what is written, what is refused."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.attributions.spec import MethodSpec, parse
from peephole.errors import PeepholeError
from peephole.texts.tokens import scan, split

CONSTANTS = {"true", "false", "none"}
NAMES = st.from_regex(r"[a-zA-Z_]\w{0,6}([-.]\w{1,4})?", fullmatch=True).filter(
    lambda name: name.lower() not in CONSTANTS
)
OPTIONS = st.from_regex(r"[a-z_][a-z_0-9]{0,8}", fullmatch=True)
SIMPLE = (
    st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
)


def specs(values):
    options = st.lists(st.tuples(OPTIONS, values), max_size=3, unique_by=lambda option: option[0])
    return st.builds(MethodSpec, NAMES, st.none() | NAMES, st.lists(values, max_size=3).map(tuple), options.map(tuple))


VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3).map(tuple) | specs(inner), max_leaves=6)


@given(specs(VALUES))
def test_what_is_written_is_read_back(spec):
    found = parse(str(spec))
    assert found == spec
    assert str(found) == str(spec)


@given(st.text(max_size=40) | st.text("gf1.5,=()[]'\"-+: \n", max_size=20))
def test_any_text_is_a_method_or_refused_in_one_line(text):
    assert "".join(token for _, token in scan(text)) == text
    try:
        spec = parse(text)
    except PeepholeError as error:
        refused = str(error)
    else:
        assert parse(str(spec)) == spec
        return
    assert len(refused.splitlines()) == 1
    assert "smoothgrad(samples=10)" in refused


@given(st.lists(specs(VALUES).map(str), max_size=4))
def test_a_list_is_split_between_its_methods_only(texts):
    assert split(", ".join(texts)) == tuple(texts)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("gradient", MethodSpec("gradient")),
        (" gradient ( ) ", MethodSpec("gradient")),
        ("grad-cam:GradCAM", MethodSpec("GradCAM", "grad-cam")),
        ("Grad-CAM", MethodSpec("Grad-CAM")),
        ("f(samples=10,noise=-.2)", MethodSpec("f", None, (), (("samples", 10), ("noise", -0.2)))),
        ("tif(grad-cam, 0.9)", MethodSpec("tif", None, (MethodSpec("grad-cam"), 0.9))),
        ("f(captum:LRP, 1e-5)", MethodSpec("f", None, (MethodSpec("LRP", "captum"), 1e-5))),
        ("f(g(1), layer='layer3.0')", MethodSpec("f", None, (MethodSpec("g", None, (1,)),), (("layer", "layer3.0"),))),
        ("f(True, false, none)", MethodSpec("f", None, (True, False, None))),
        ("f([1, 2], (3,), ())", MethodSpec("f", None, ((1, 2), (3,), ()))),
        ("f(n-steps=2)", MethodSpec("f", None, (), (("n_steps", 2),))),
        ("f('a, b)', \"it's\")", MethodSpec("f", None, ("a, b)", "it's"))),
    ],
)
def test_what_is_meant_is_read(text, spec):
    found = parse(text)
    assert found == spec
    assert [type(value) for value in found.arguments] == [type(value) for value in spec.arguments]


@pytest.mark.parametrize("word", ["lambda", "if", "not", "None_", *keyword.softkwlist])
def test_words_of_python_are_ordinary_names(word):
    assert parse(f"{word}({word}=1)") == MethodSpec(word, None, (), ((word, 1),))


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("f(x = 1,  y=2 )", "f(x=1, y=2)"),
        ('f(x="a")', "f(x='a')"),
        ("f(true, [1, 2.0])", "f(True, (1, 2.0))"),
        ("tif( captum:LRP ,.70)", "tif(captum:LRP, 0.7)"),
    ],
)
def test_there_is_one_spelling(text, spelling):
    assert str(parse(text)) == spelling


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cannot be read"),
        ("f(", "cannot be read"),
        ("f(x y)", "cannot be read"),
        (r"f('\d')", "cannot be read"),
        ("(" * 300, "cannot be read"),
        ("f(x=1, 2)", "cannot be read"),
        ("f(x=1, x=2)", "gives x twice"),
        ("f, g", "is not one method"),
        ("3", "is not one method"),
        ("f(1)(2)", "is not one method"),
        ("f('a", "a quote that is not closed"),
        ("f(*x)", "has a '*' outside quotes"),
        ("captum: LRP", "has a ':' outside quotes"),
        ("f(1 + 2)", "has a '+' outside quotes"),
        ("f(1j)", "a value that is no number"),
        ("f(--1)", "a value that is no number"),
        ("f(-'a')", "a value that is no number"),
        ("f(1e999)", "an infinite number"),
        ("f(a:b=1)", "an option called 'a:b'"),
        ("True", "True where a method is wanted"),
        ("f(none(1))", "none where a method is wanted"),
    ],
)
def test_what_is_malformed_is_named_with_an_example(text, problem):
    with pytest.raises(PeepholeError) as caught:
        parse(text)
    message = str(caught.value)
    assert problem in message
    assert repr(text)[:60] in message
    assert "tif(deeplift, 0.9)" in message
    assert "\n" not in message


def test_all_methods_of_a_text_are_found():
    spec = parse("cascade(tif(captum:LRP, 0.9), (3, gradient), below=lrp_z(bottom=false))")
    assert [found.full_name for found in spec.specs()] == ["cascade", "tif", "captum:LRP", "gradient", "lrp_z"]


@pytest.mark.parametrize("text", [None, 3, b"gradient"])
def test_what_is_no_text_names_no_method(text):
    with pytest.raises(PeepholeError, match=r"named by a text such as 'tif\(deeplift, 0.9\)'"):
        parse(text)
