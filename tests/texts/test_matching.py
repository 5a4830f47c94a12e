"""Names as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.errors import UnknownName
from peephole.texts.matching import all_of, one_of

KNOWN = ("grad_cam", "wanet(s=6.0)", "tif(deeplift, 0.9)", "badnet", "badnet(target=1)", "x(a=1)", "x(a=2)")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Grad-CAM", "grad_cam"),
        ("tif(deeplift,0.9)", "tif(deeplift, 0.9)"),
        ("wanet", "wanet(s=6.0)"),
        ("badnet", "badnet"),
        ('"badnet(target=1)"', "badnet(target=1)"),
    ],
)
def test_what_does_not_matter_does_not_matter(text, name):
    assert one_of(text, "thing", KNOWN) == name


@pytest.mark.parametrize("text", ["x", "wanet(s=5.0)", "", "grad"])
def test_what_is_not_there_or_could_be_several_is_refused(text):
    with pytest.raises(UnknownName, match=r"unknown thing .* There are: badnet,"):
        one_of(text, "thing", KNOWN)


@given(st.lists(st.sampled_from(KNOWN)))
def test_each_comes_once_in_the_order_given(names):
    assert all_of([name.upper() for name in names], "thing", KNOWN) == list(dict.fromkeys(names))
