from typing import ClassVar

import numpy as np
import pytest

from peephole.engines.run import run_units
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.base import Cost, Unit, in_order
from peephole.workspace import Workspace


class Sum(Unit):
    """Adds the spec's number to the sum of its inputs."""

    kind: ClassVar[str] = "sum"
    version: ClassVar[int] = 1
    computed: ClassVar[list[str]] = []

    def cost(self):
        return Cost("resnet8", passes=0)

    def compute(self, workspace):
        Sum.computed.append(self.label)
        if self.spec["number"] is None:
            raise ValueError("no number\nwith a second line")
        total = self.spec["number"] + sum(int(workspace.read(unit).arrays["x"][0]) for unit in self.inputs.values())
        workspace.report(1.0)
        return Shard({"x": np.array([total])})


class Watch(Silent):
    def __init__(self):
        self.lines = []

    def started(self, unit):
        self.lines.append(f"+{unit.label}")

    def finished(self, unit, result):
        self.lines.append(f"-{unit.label}")


def unit(label, number, **inputs):
    return Sum({"number": number}, inputs, label=label)


@pytest.fixture
def workspace(tmp_path):
    Sum.computed.clear()
    return Workspace(Store(tmp_path), Machine("cpu"))


@pytest.fixture
def chain():
    a = unit("a", 1)
    b = unit("b", 2, a=a)
    return a, b, unit("c", 3, a=a, b=b)


def test_every_unit_is_computed_once_after_its_inputs(workspace, chain):
    a, b, c = chain
    outcome = run_units(in_order([c, b, c]), workspace, Silent())
    assert Sum.computed == ["a", "b", "c"]
    assert outcome.computed == (a, b, c)
    assert workspace.read(c).arrays["x"][0] == 3 + (2 + 1) + 1


def test_a_second_run_computes_nothing(workspace, chain):
    run_units(in_order(chain), workspace, Silent())
    watch = Watch()
    again = run_units(in_order(chain), Workspace(workspace.store, Machine("cpu")), watch)
    assert again.cached == chain
    assert again.computed == ()
    assert watch.lines == ["-a", "-b", "-c"]


def test_a_failure_ends_only_what_depends_on_it(workspace, chain):
    broken = unit("broken", None)
    dependent = unit("dependent", 1, broken=broken)
    outcome = run_units([broken, dependent, *chain], workspace, Silent())
    assert [failure.unit for failure in outcome.failed] == [broken]
    assert outcome.failed[0].reason == "no number"
    assert "ValueError" in outcome.failed[0].trace
    assert outcome.skipped == (dependent,)
    assert outcome.computed == chain
    assert outcome.available == {one.digest for one in chain}


def test_a_damaged_input_is_made_again_not_trusted(workspace, chain):
    a, b, c = chain
    run_units([a, b], workspace, Silent())
    path = workspace.store.path(a.kind, a.digest)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(bytes(content))
    Sum.computed.clear()
    fresh = Workspace(workspace.store, Machine("cpu"))
    outcome = run_units([a, b, c], fresh, Silent())
    assert Sum.computed == ["a", "c"]
    assert outcome.computed == (c,)
    assert fresh.read(c).arrays["x"][0] == 7


def test_an_interrupt_stops_the_run_and_keeps_what_is_done(workspace, chain):
    class Stop(Silent):
        def started(self, unit):
            if unit.label == "b":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_units(in_order(chain), workspace, Stop())
    assert workspace.store.receipt("sum", chain[0].digest) is not None
    assert run_units(in_order(chain), workspace, Silent()).cached == chain[:1]


def test_identity_is_what_determines_the_result(chain):
    a, b, _ = chain
    assert unit("another label", 1) == a
    assert unit("a", 2) != a
    assert unit("b", 2, a=unit("a", 5)) != b
    assert len({a.digest, b.digest, unit("b", 2, other=a).digest}) == 3
