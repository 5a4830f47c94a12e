"""Every kind of bad method is found out by the check that is there for it, and the sentence is the published one."""

import re
import sys
from pathlib import Path

import pytest
from bad_methods import BAD, DOUBTFUL, ENDED, REFUSED, method
from in_process import in_process

from peephole.checking import check
from peephole.errors import PeepholeError
from peephole.submissions.limits import GIGA, Limits

PAGE = (Path(__file__).parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.partition("## Submitted methods")[2], flags=re.MULTILINE)
TABLE = {case: answer for case, answer in LINES if case not in ("What", ":--")}


def published(text, folder):
    """A sentence as the page has it: no folders, and N for what is measured."""
    text = text.replace(f"{folder}/", "").replace("|", "\\|")
    return re.sub(r"[\d.]+(e-\d+)? %", "N %", text)


def found_by(result, status):
    return {one.check for one in result.findings if one.status == status}


def line(result, status):
    first = next(one for one in result.findings if one.status == status)
    return f"{'fails' if status == 'failed' else 'warning'}, {first.title}: `{first.found}`"


def checked(code, folder, monkeypatch, **given):
    (folder / "method.py").write_text(code)
    monkeypatch.chdir(folder)
    return check("method.py", device="cpu", **given)


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_found(what, tmp_path, monkeypatch):
    code, expected = BAD[what]
    with in_process(monkeypatch):
        result = checked(code, tmp_path, monkeypatch)
    assert found_by(result, "failed") == expected
    assert not result.passed
    assert published(line(result, "failed"), tmp_path) == TABLE[what]
    for one in result.failed:
        assert one.hint
        assert "\n" not in one.found


@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_is_doubtful_is_warned_of(what, tmp_path, monkeypatch):
    code, expected = DOUBTFUL[what]
    with in_process(monkeypatch):
        result = checked(code, tmp_path, monkeypatch)
    assert result.passed
    assert found_by(result, "warning") == expected
    assert published(line(result, "warning"), tmp_path) == TABLE[what]


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_there_is_refused_in_one_line(what, tmp_path, monkeypatch):
    code, target = REFUSED[what]
    (tmp_path / "method.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PeepholeError) as caught:
        check(target, device="cpu")
    assert "\n" not in str(caught.value)
    assert published(f"error: `{caught.value}`", tmp_path) == TABLE[what]


@pytest.mark.parametrize(
    "what", [pytest.param(one, marks=[] if one == "It prints without end" else pytest.mark.slow) for one in ENDED]
)
def test_what_does_not_end_is_ended(what, tmp_path, monkeypatch):
    code, expected = ENDED[what]
    limits = Limits(seconds=10 if what == "It does not come back" else 120, memory=2 * GIGA)
    result = checked(code, tmp_path, monkeypatch, limits=limits)
    assert found_by(result, "failed") == expected
    assert {one.status for one in result.findings[4:]} == {"skipped"}
    assert published(line(result, "failed"), tmp_path) == TABLE[what]
    assert "--seconds" in result["answers"].hint


def test_the_page_says_nothing_that_is_not_tried_here():
    assert TABLE.keys() == BAD.keys() | DOUBTFUL.keys() | ENDED.keys() | REFUSED.keys()


def test_an_unknown_option_is_the_signatures_fault(tmp_path, monkeypatch):
    with in_process(monkeypatch):
        result = checked(method("return x", "model, x, target, samples=3"), tmp_path, monkeypatch, options=["sample=4"])
    assert found_by(result, "failed") == {"signature"}
    assert "has no option 'sample'; it has: samples" in result["signature"].found


def test_a_message_that_moves_cursors_is_made_harmless(tmp_path, monkeypatch):
    with in_process(monkeypatch):
        result = checked(method("raise ValueError('\\x1b[2J\\x1b]0;mine\\x07')"), tmp_path, monkeypatch)
    assert result["answers"].status == "failed"
    assert result["answers"].found.isprintable()


def test_a_missing_package_is_to_be_installed(tmp_path, monkeypatch):
    with in_process(monkeypatch):
        result = checked(BAD["It imports a package that is not installed"][0], tmp_path, monkeypatch)
    assert "pip install sparkling_saliency" in result["loads"].hint
    with in_process(monkeypatch):
        result = checked(method("import sparkling_saliency.maps"), tmp_path, monkeypatch)
    assert "pip install sparkling_saliency)" in result["answers"].hint
    assert "sparkling_saliency" not in sys.modules
