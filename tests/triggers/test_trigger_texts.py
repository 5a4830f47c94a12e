"""The texts that name triggers; how texts are read in general is tested in tests/texts."""

import subprocess
import sys

import pytest

from peephole.errors import PeepholeError
from peephole.triggers.base import TRIGGERS
from peephole.triggers.texts import NAMING, build, digest, name_of, resolve


@pytest.mark.parametrize(
    ("text", "spelling", "name"),
    [
        ("Square", "square", "square"),
        ("class-pair()", "class_pair", "class_pair"),
        ("Badnet(pattern=checkerboard, target=3)", "badnet(pattern='checkerboard', target=3)", "badnet"),
    ],
)
def test_triggers_have_one_spelling(text, spelling, name):
    assert resolve(text) == spelling
    assert name_of(text) == name


@pytest.mark.parametrize("text", NAMING.grammar.examples)
def test_the_examples_in_messages_can_be_built(text):
    trigger = build(text)
    assert type(trigger) is TRIGGERS[name_of(text)]


def test_options_of_a_trigger_arrive():
    trigger = build("badnet(checkerboard, target=3)")
    assert (trigger.pattern, trigger.target) == ("checkerboard", 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sqare", "Did you mean 'square'"),
        ("square(", "the trigger 'square(' cannot be read; write it like square, wanet(k=4, s=0.5) or badnet(pattern="),
        ("square(size=3)", "there is no option size; square takes target=0, varied=False."),
        ("badnet(patern=white)", "there is no option patern; badnet takes pattern='white', target=0, varied=False."),
        ("badnet(pattern=stripes)", "pattern should be 'white' or 'checkerboard', not 'stripes'"),
        ("badnet(target=-1)", "target should be greater than or equal to 0, not -1"),
    ],
)
def test_what_is_wrong_with_a_trigger_is_one_line(text, words):
    with pytest.raises(PeepholeError) as error:
        build(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_digest_of_a_plain_name_is_the_registrys():
    assert digest("Square()") == TRIGGERS.digest("square")
    assert len({digest("badnet"), digest("badnet(target=0)"), digest("badnet(target=1)")}) == 3


def test_triggers_are_resolved_and_digested_without_torch():
    code = (
        "import sys; from peephole.triggers.texts import digest, name_of, resolve; "
        "digest(resolve('badnet(pattern=checkerboard)')); name_of('square'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
