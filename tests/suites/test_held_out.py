"""Suites whose models and triggers are drawn from a number that is given at evaluation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import peephole
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine
from peephole.options import Options
from peephole.plan import make_plan
from peephole.runner import plan_run
from peephole.store.store import Store
from peephole.suites.suite import load_suite, suite_names
from peephole.triggers.texts import varied
from peephole.units.networks import load_trigger
from peephole.workspace import Workspace

OPTIONS = Options(
    held_out=7, seeds=1, samples=6, epochs=2, triggers=("square",), methods=("gradient",), metrics=("ebpg",)
)


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_keeps_all_but_seeds_and_triggers(name):
    public = load_suite(name)
    suite = Options(held_out=7).apply(public)
    assert suite.identifier == f"{name}+held_out=7"
    assert suite.triggers == tuple(map(varied, public.triggers))
    own = {"triggers": public.triggers, "held_out": None, "changes": ()}
    assert suite.model_copy(update=own) == public
    for plain, hidden in zip(public.triggers, suite.triggers, strict=True):
        # All tables of a suite go by the trigger's name.
        assert suite.attack_on(hidden) == public.attack_on(plain)
        assert suite.gates_on(hidden) == public.gates_on(plain)
        assert suite.scoring.metrics_on(hidden) == public.scoring.metrics_on(plain)


def test_the_number_decides_the_seeds_and_others_have_others():
    def seeds(held_out, count=50):
        return Options(held_out=held_out, seeds=count).apply(load_suite("quick")).model_seeds

    assert Options(seeds=3).apply(load_suite("quick")).model_seeds == (0, 1, 2)
    assert seeds(7) == seeds(7)
    assert seeds(7)[:2] == seeds(7, 2)
    every = [*seeds(0), *seeds(1), *seeds(2**63 - 1), *seeds(7)]
    assert len(set(every)) == 200
    assert all(0 <= seed < 2**31 for seed in every)
    assert max(every) > 2**30
    for seed in every[:3]:
        torch.manual_seed(seed)
        np.random.RandomState(seed)


def test_options_stand_together_in_the_identifier_with_the_triggers_public_names():
    suite = Options(held_out=0, seeds=1, triggers=("+cross", "+badnet(target=3)"), epochs=2).apply(load_suite("quick"))
    changed = f"triggers={','.join((*load_suite('quick').triggers, 'cross', 'badnet(target=3)'))}"
    assert suite.identifier == f"quick/v1+{changed}+seeds=1+held_out=0+epochs=2"
    assert suite.triggers[-2:] == ("cross(varied=True)", "badnet(target=3, varied=True)")
    assert suite.attack_on("wanet(s=6.0)").recipe.epochs == 2
    twice = Options(held_out=0, triggers=("square", "square(varied=True)")).apply(load_suite("quick"))
    assert twice.triggers == ("square(varied=True)",)


def test_no_unit_is_shared_with_the_public_suite_or_another_number():
    quick = load_suite("quick")
    options = Options(methods=("gradient",), seeds=2)
    plans = [make_plan(replace(options, held_out=number).apply(quick)) for number in (None, 7, 8)]
    units = [{unit.digest for unit in plan.units} for plan in plans]
    assert not units[0] & units[1]
    assert not units[1] & units[2]
    kinds = [sorted(unit.kind for unit in plan.units) for plan in plans]
    assert kinds[0] == kinds[1] == kinds[2]
    for plan in plans[1:]:
        assert {backdoor.seed for backdoor in plan.backdoors} == set(plan.suite.model_seeds)
        given = [unit.spec["seed"] for unit in plan.units if "seed" in unit.spec]
        assert set(given) == set(plan.suite.model_seeds)


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 1500, "test": 200})
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("held-out")


@pytest.fixture(scope="module")
def result(small, folder):
    return peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))


def test_a_held_out_run_is_a_run_like_any_other(result, folder):
    assert not result.outcome.failed
    (seed,) = OPTIONS.apply(load_suite("quick")).model_seeds
    assert set(result.suite.split("+")[1:]) == {
        *("triggers=square", "metrics=ebpg", "seeds=1", "held_out=7", "samples=6", "epochs=2")
    }
    for table in (result.models, result.scores):
        assert set(table["seed"]) == {seed}
        assert set(table["trigger"]) == {"square(varied=True)"}
    assert [path.name for path in result.heatmaps] == ["square-varied-True.png"]
    assert [path.name for path in result.triggers] == ["triggers.png"]


def test_what_was_drawn_is_stored_and_lies_where_the_stored_truth_says(result, folder):
    workspace = Workspace(Store(folder / "store"), Machine("cpu"))
    (backdoor,) = plan_run("quick", options=OPTIONS).backdoors
    stamper, probes = load_trigger(backdoor.model, workspace), workspace.read(backdoor.probes).arrays
    assert set(workspace.read(backdoor.model).group("trigger")) == {"marks", "truths", "values"}
    image, clean = (torch.from_numpy(probes[name]) for name in ("image", "clean"))
    assert torch.equal(stamper.stamp(clean).image, image)
    assert (torch.from_numpy(probes["mask"]) == stamper.truths).all()
    assert not ((image != clean).any(1) & ~stamper.marks.any(0)).any()
