"""Claims from the command to the files, on networks that learnt next to nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peephole.claims.base import chosen_claims
from peephole.claims.running import Reproduced, plan_examination, reproduce
from peephole.claims.writing import read_reproduction
from peephole.cli import app
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.options import Options

TINY = Options(epochs=0.05)


def examined(out: Path, *claims: str, options: Options = TINY, report: bool = False) -> Reproduced:
    return reproduce(
        chosen_claims(claims),
        "quick",
        out=out,
        command=lambda numbers: f"peephole reproduce {' '.join(numbers)} --quick",
        machine=Machine("cpu"),
        options=options,
        quick=True,
        report=report,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reproduced") / "results"
    result = examined(out, "6", "10", report=True)
    assert not result.outcome.failed
    assert result.unreported == ""
    assert result.report is not None
    assert result.report.is_file()
    return out


def names(folder: Path) -> list[str]:
    found = read_reproduction(folder)
    assert found is not None
    return [result.name for result in found.results]


def test_verdicts_figures_and_where_they_come_from_are_written(folder: Path) -> None:
    found = read_reproduction(folder)
    assert found is not None
    assert (found.suite, found.quick, found.seeds) == ("quick/v1+epochs=0.05", True, (0, 1))
    assert found.command == "peephole reproduce 6 10 --quick"
    assert names(folder) == ["neuron_weights", "theorems"]
    assert {"train resnet8 on shapes, seed 0", "train resnet8 on shapes, seed 1", "shapes"} <= set(found.digests)
    assert {"machine", "torch_version", "peephole_version"} <= set(found.facts)
    for result in found.results:
        assert result.verdict != "not tested"
        assert (folder / "claims" / result.figure).stat().st_size > 5000
        assert result.caption
        assert "code" in result.made
    assert "none to\nquote" in (folder / "claims" / "README.md").read_text()


def test_what_was_found_earlier_on_the_same_models_stays(folder: Path) -> None:
    before = read_reproduction(folder)
    again = examined(folder, "neuron-weights")
    assert not again.outcome.computed
    assert again.examined == ("neuron_weights",)
    assert again.reproduction.command == "peephole reproduce 6 10 --quick"
    assert names(folder) == ["neuron_weights", "theorems"]
    after = read_reproduction(folder)
    assert before is not None
    assert after is not None
    assert [str(one.tested) for one in after.results] == [str(one.tested) for one in before.results]


def test_what_was_found_on_other_models_is_not_replaced(folder: Path) -> None:
    kept = (folder / "claims" / "claims.json").read_bytes()
    with pytest.raises(PeepholeError, match=r"has a smoke test on quick/v1\+epochs=0.05, which quick/v1\+seeds=1"):
        examined(folder, "6", options=Options(epochs=0.05, seeds=1))
    assert (folder / "claims" / "claims.json").read_bytes() == kept


def test_only_what_claims_need_is_planned(tmp_path: Path) -> None:
    def kinds(*claims: str) -> set[str]:
        planned = plan_examination(chosen_claims(claims), "quick", out=tmp_path / "none", options=TINY, quick=True)
        return {unit.kind for unit in planned.units}

    assert kinds("10") == set()
    assert kinds("6") == {"clean_model"}
    assert "scores" in kinds("1")
    assert not {"levels", "sanity_scores", "kis_sample"} & kinds("1")
    assert not (tmp_path / "none").exists()


def test_claims_choose_their_methods_themselves(tmp_path: Path) -> None:
    with pytest.raises(PeepholeError, match="claims name their methods"):
        examined(tmp_path, "10", options=Options(methods=("gradient",)))


def peephole(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, PeepholeError):  # what main turns into a line and an exit code
        assert code
        return str(done.exception)
    assert done.exit_code == code, done.output
    return done.stdout


def asked(folder: Path, *more: object) -> Sequence[object]:
    return ("reproduce", "6", "--quick", "--epochs", 0.05, "--out", folder, "--device", "cpu", *more)


def test_the_command_prints_each_part_and_its_verdict(folder: Path) -> None:
    printed = peephole(*asked(folder, "--quiet", "--no-report", "--workers", 1))
    for words in ("Random neurons are nearly orthogonal", "has to be", "none to quote", "README.md"):
        assert words in printed


def test_the_command_answers_programs(folder: Path) -> None:
    answer = json.loads(peephole(*asked(folder, "--json", "--no-report", "--workers", 1)))
    assert [one["name"] for one in answer["results"]] == ["neuron_weights"]
    assert answer["command"] == "peephole reproduce 6 10 --quick --epochs 0.05"
    assert {one["verdict"] for result in answer["results"] for one in result["tested"]} <= {
        "holds",
        "fails",
        "not separable",
        "not tested",
    }


def test_a_dry_run_says_what_is_left_to_do(folder: Path, tmp_path: Path) -> None:
    there = json.loads(peephole(*asked(folder, "--dry-run", "--json")))
    assert (there["units"], there["cached"]) == (2, 2)
    nothing = json.loads(peephole(*asked(tmp_path / "none", "--dry-run", "--json")))
    assert (nothing["units"], nothing["cached"]) == (2, 0)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["reproduce", "99", "--quick"], "there is no claim '99'; there are: 1 layer_trends"),
        (["reproduce", "1", "--suite", "nonsense"], "nonsense"),
        (["reproduce", "1", "--quick", "--seeds", "0"], "--seeds must be above 0"),
        (["reproduce", "1", "--quick", "--epochs", "nan"], "--epochs must be above 0, not nan"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    said = peephole(*arguments, "--out", tmp_path / "out", code=2)
    assert line in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()


def test_the_list_of_claims(folder: Path) -> None:
    listed = json.loads(peephole("list", "claims", "--json"))
    assert [one["number"] for one in listed] == [str(number) for number in range(1, len(listed) + 1)]
    assert set(listed[0]) == {"number", "name", "title", "source"}
