"""The examples pass, and their page shows what the commands print."""

import re
from pathlib import Path

import pytest
import torch
from in_process import in_process, known_subjects

from peephole.checking import check

EXAMPLES = Path(__file__).parents[2] / "examples"
METHODS = sorted(path.name for path in EXAMPLES.glob("*.py"))
PAGE = (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", METHODS)
def test_an_example_passes_without_a_warning(name, monkeypatch):
    with in_process(monkeypatch):
        result = check(EXAMPLES / name, device="cpu")
    assert [(one.title, one.found) for one in result.findings if one.status != "passed"] == []


def test_options_of_another_librarys_class_are_given_by_name(monkeypatch):
    with in_process(monkeypatch):
        result = check(EXAMPLES / "third_party.py", options=["n_steps=3"], device="cpu")
        assert result.passed
        assert "has no option 'steps'" in check(EXAMPLES / "third_party.py", options=["steps=3"])["signature"].found


def test_there_are_three_and_the_page_names_them():
    assert METHODS == ["layered.py", "ten_lines.py", "third_party.py"]
    assert all(f"`{name}`" in PAGE for name in METHODS)


def test_ten_lines_are_ten():
    lines = (EXAMPLES / "ten_lines.py").read_text().partition("def explain")[2].splitlines()
    assert len(lines) <= 10


def test_the_output_on_the_page_is_of_the_commands(monkeypatch):
    shown = re.search(r"\$ peephole check examples/ten_lines.py\n(.+?)```", PAGE, flags=re.DOTALL)
    assert shown is not None
    with in_process(monkeypatch):
        result = check(EXAMPLES / "ten_lines.py", device="cpu")
    titles = re.findall(r"^✓ +(.+?)  ", shown[1], flags=re.MULTILINE)
    assert titles == [one.title for one in result.findings]
    assert result.digest in shown[1]


def test_the_margin_is_the_log_odds_of_the_label():
    subject = known_subjects()["plain"]
    x, target = subject.x[:3].double(), subject.target()[:3]
    logits = subject.network.double()(x)
    try:
        odds = torch.log_softmax(logits, 1).exp().gather(1, target[:, None])[:, 0]
        margin = logits.gather(1, target[:, None])[:, 0] - logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)
        assert torch.allclose(margin, torch.log(odds / (1 - odds)))
    finally:
        subject.network.float()
