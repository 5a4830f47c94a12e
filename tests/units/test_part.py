import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import peephole
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.estimate import plain_seconds
from peephole.machine import Machine
from peephole.options import Options
from peephole.part import Part
from peephole.runner import plan_run, run_part

PLAN = plan_run("quick", options=Options(triggers=("square", "badnet", "x"), methods=("gradient", "grad_cam", "dtd")))
ONE = plan_run("quick", options=Options(triggers=("square",), methods=("gradient", "grad_cam"), seeds=1))
NEEDED = {one.digest for unit in PLAN.units for one in unit.inputs.values()}
LAST = [unit for unit in PLAN.units if unit.digest not in NEEDED]


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 40))
def test_every_last_result_is_in_exactly_one_part(count):
    parts = [Part(number, count).of(PLAN) for number in range(1, count + 1)]
    last = [unit.digest for part in parts for unit in part if unit.digest not in NEEDED]
    assert sorted(last) == sorted(unit.digest for unit in LAST)
    for part in parts:
        before = set()
        for unit in part:
            assert {needed.digest for needed in unit.inputs.values()} <= before, "every unit comes after its inputs"
            before.add(unit.digest)


def test_parts_need_few_networks():
    networks = [sum(unit.kind == "poisoned_model" for unit in Part(number, 6).of(PLAN)) for number in range(1, 7)]
    assert max(networks) <= 2


def test_the_only_part_is_the_whole():
    assert {unit.digest for unit in Part(1, 1).of(PLAN)} == {unit.digest for unit in PLAN.units}


def test_parts_are_read():
    assert Part.read(" 2/8 ") == Part(2, 8)
    assert str(Part.read("2/8")) == "2/8"


@pytest.mark.parametrize("text", ["", "2", "a/b", "0/8", "9/8", "1/0", "-1/8", "1/8/2", "1.5/2"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(PeepholeError, match="--shard"):
        Part.read(text)


def test_parts_computed_one_after_the_other_make_the_board_of_one_run(tmp_path, monkeypatch):
    monkeypatch.setattr(Shapes, "counts", {"train": 3000, "test": 600})
    options = Options(triggers=("square",), methods=("gradient",), metrics=("completeness",), seeds=1, samples=12)
    machine = Machine("cpu")
    first, second = (
        run_part(Part(number, 2), "quick", out=tmp_path, options=options, machine=machine) for number in (1, 2)
    )
    assert first.outcome.computed
    assert second.outcome.computed
    assert not (tmp_path / "leaderboard.csv").exists()
    whole = peephole.run("quick", out=tmp_path, options=options, machine=machine)
    assert whole.outcome.computed == ()
    assert len(whole.outcome.cached) == len({*first.outcome.available, *second.outcome.available})
    assert "part 2/2" in second.log.read_text()
    assert (tmp_path / "leaderboard.csv").exists()


def test_parts_cost_about_the_same():
    def cost(part):
        return sum(plain_seconds(unit) for unit in part if not unit.cost().weights)

    costs = [cost(Part(number, 5).of(PLAN)) for number in range(1, 6)]
    assert max(costs) < 1.6 * min(costs)
    assert sum(map(len, (Part(number, 8).of(ONE) for number in range(1, 9)))) >= len(ONE.units)
    assert all(Part(number, 8).of(ONE) for number in range(1, 9)), "nobody is idle"
