"""Verdicts as files."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from peephole.claims.page import page
from peephole.claims.writing import read_reproduction, write_reproduction
from peephole.errors import PeepholeError
from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Estimate, Expectation, Reproduction
from peephole.leaderboard.verdict import Criterion

RISES = Expectation("rises", "completeness | rises", "Spearman's ρ", Criterion("above", 0.3))
FALLS = Expectation("falls", "fine-grained falls", "Spearman's ρ", Criterion("below", -0.3))
BOXES = Expectation("boxes", "boxes are found", "share", Criterion("above"))
FOUND = Reproduction(
    suite="quick/v1",
    subject="resnet8 on shapes",
    command="peephole reproduce 1 --quick",
    quick=True,
    seeds=(0, 1),
    facts={"torch_version": "2.15", "machine": "two cores"},
    digests={"plant square, seed 0": "abc"},
    results=(
        ClaimResult(
            name="layer_trends",
            number=1,
            title="Trends",
            source="P1, figure 4",
            statement="It rises.",
            measured="The curve.",
            test="Bootstrap.",
            tested=(
                ClaimPart(RISES, Estimate(0.9, 0.8, 1.0, 80, "pictures of 2 models")),
                ClaimPart(FALLS, Estimate(0.5, math.nan, math.nan, 80, "pictures of 1 model")),
                ClaimPart(BOXES, None, "cifar10 has no boxes"),
            ),
            figure="layer_trends.png",
            caption="Three panels.",
            made="2026-01-01, peephole 0.1.0, code 1234",
        ),
    ),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_reproduction(FOUND, tmp_path)
    found = read_reproduction(tmp_path)
    assert found is not None
    assert str(found) == str(FOUND)  # NaN is not equal to itself
    assert [one.verdict for one in found.results[0].tested] == ["holds", "not tested", "not tested"]


def test_programs_find_the_verdicts_too(tmp_path: Path) -> None:
    write_reproduction(FOUND, tmp_path)
    content = json.loads((tmp_path / "claims" / "claims.json").read_text())
    assert content["results"][0]["verdict"] == "holds"
    assert [one["verdict"] for one in content["results"][0]["tested"]] == ["holds", "not tested", "not tested"]
    assert content["results"][0]["tested"][1]["estimate"]["low"] is None


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path) -> None:
    assert read_reproduction(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "peephole claims", "version": 2}'])
def test_a_damaged_file_is_said(tmp_path: Path, text: str) -> None:
    write_reproduction(FOUND, tmp_path)
    (tmp_path / "claims" / "claims.json").write_text(text)
    with pytest.raises(PeepholeError, match=r"cannot read .*claims\.json .*peephole reproduce"):
        read_reproduction(tmp_path)


def test_the_page_says_everything() -> None:
    text = page(FOUND)
    assert "none to\nquote" in text
    assert (
        "| completeness \\| rises | Spearman's ρ | > 0.3 | 0.90 [0.80, 1.00] | 80 pictures of 2 models | **holds** |"
        in text
    )
    assert "| boxes are found | share | > 0 | – | cifar10 has no boxes | **not tested** |" in text
    assert (
        "| 1 | [Trends](#1-layer_trends) | P1, figure 4 | **holds** | 1 of 1 | fine-grained falls (not tested);" in text
    )
    assert "Of all parts 1 hold, 2 are not tested." in text
    assert "![Trends](layer_trends.png)" in text
    assert "| plant square, seed 0 | `abc` |" in text
    assert "none to\nquote" not in page(replace(FOUND, quick=False))
