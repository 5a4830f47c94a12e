"""What is left of wrongly decided pictures, on an untrained network: once more by hooks and loops; then the claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.claims.extent import QUICK
from peephole.claims.kinds import information_by_layer
from peephole.claims.kinds.information_by_layer import InformationByLayer
from peephole.claims.study import Study
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.figures.style import paper_style
from peephole.machine import Machine
from peephole.options import Options
from peephole.runner import plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.layer_information import EXAMPLES, Information, information_unit, read_information
from peephole.units.networks import build as build_network
from peephole.units.networks import load, state_arrays
from peephole.workspace import Workspace

PICTURES = 6


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 20, "test": 40})
        plan = plan_run("quick", options=Options(seeds=2, triggers=("square",), methods=("gradient",)))
        workspace = Workspace(Store(tmp_path_factory.mktemp("information")), Machine("cpu", batch=4))
        made = Study(plan, workspace, replace(QUICK, pictures=PICTURES), quick=True)
        for clean in made.clean_models:
            network = build_network("resnet8", workspace, clean.spec["dataset"], 3 + clean.spec["seed"])
            write(workspace, clean, Shard(state_arrays(network, "weights"), {}))
        units = InformationByLayer().units(made)
        for unit in units:
            write(workspace, unit, unit.compute(workspace))
        made.available = frozenset(unit.digest for unit in units)
        yield made


def write(workspace: Workspace, unit: Any, shard: Shard) -> None:
    workspace.store.write(unit.kind, unit.digest, unit.identity, shard, 0.0)


def guided_from(network: Any, graph: Any, layer: str | None, x: torch.Tensor, target: torch.Tensor) -> Any:
    """Guided Backprop from a layer's activation, or from a logit, by hooks on the canonical network."""
    kept: dict[str, torch.Tensor] = {}
    relus = [module for module in graph.modules() if isinstance(module, nn.ReLU)]
    hooks = [
        *(relu.register_full_backward_hook(lambda _, given, arrived: (given[0].clamp(min=0),)) for relu in relus),
        *(
            graph.module(name).register_forward_hook(lambda *call, name=name: kept.update({name: call[2]}))
            for name in graph.layers
        ),
    ]
    seen = network.normalise(x).detach().requires_grad_()
    logits, _ = graph.run(seen, after="input")
    # A ReLU has masked what it sends back before it is cut off below zero: the same, as the mask is 0 or 1.
    start = (logits.gather(1, target[:, None]).sum(), None) if layer is None else (kept[layer], kept[layer].detach())
    (arrived,) = torch.autograd.grad(start[0], seen, start[1])
    for hook in hooks:
        hook.remove()
    return arrived.double().numpy(), seen.detach().double().numpy()


def cosine(one: Any, other: Any) -> list[float]:
    return [
        float((a * b).sum() / np.sqrt((a**2).sum()) / np.sqrt((b**2).sum())) for a, b in zip(one, other, strict=True)
    ]


def test_every_number_is_what_hooks_find(study: Study) -> None:
    clean, unit = study.clean_models[1], InformationByLayer().units(study)[1]
    found = read_information(unit, study.workspace)  # type: ignore[arg-type]
    arrays, network = found.arrays, load(clean, study.workspace)
    pictures = study.workspace.pictures(clean.spec["dataset"], "test")
    x = torch.from_numpy(pictures.images[arrays["index"].astype(int)]).float() / 255
    decision, label = network(x).argmax(1), torch.from_numpy(arrays["label"])
    assert len(set(arrays["index"].tolist())) == PICTURES
    assert (arrays["label"] == pictures.labels[arrays["index"].astype(int)]).all()
    assert (decision.numpy() == arrays["decision"]).all()
    assert (decision != label).all()
    graph = canonicalise(network, (3, 32, 32))
    assert found.layers == graph.layers[1:]
    whole, seen = guided_from(network, graph, None, x, decision)
    of_label, _ = guided_from(network, graph, None, x, label)
    tolerance = {"abs": 1e-5}
    for place, layer in enumerate(found.layers):
        arrived, _ = guided_from(network, graph, layer, x, decision)
        assert arrays["alignment"][place] == pytest.approx(cosine(arrived, seen), **tolerance)
        assert arrays["attribution"][place] == pytest.approx(cosine(arrived, whole), **tolerance)
        assert arrays["label_attribution"][place] == pytest.approx(cosine(arrived, of_label), **tolerance)
        grey = (arrived.mean(1) ** 2).sum((1, 2)) * 3 / (arrived**2).sum((1, 2, 3))
        assert arrays["colour"][place] == pytest.approx(1 - grey, **tolerance)
        assert cosine(arrays["maps"][place], arrived[:EXAMPLES]) == pytest.approx([1] * EXAMPLES, **tolerance)
    assert arrays["whole_alignment"] == pytest.approx(np.array([cosine(whole, seen), cosine(of_label, seen)]), abs=1e-5)
    assert cosine(arrays["maps"][-2], whole[:EXAMPLES]) == pytest.approx([1] * EXAMPLES, **tolerance)
    assert arrays["shown"] == pytest.approx(x[:EXAMPLES].numpy())


def test_how_pictures_are_batched_changes_nothing(study: Study) -> None:
    unit = InformationByLayer().units(study)[0]
    workspace = Workspace(study.workspace.store, Machine("cpu", batch=7))
    again, before = unit.compute(workspace).arrays, study.workspace.read(unit).arrays
    assert again["index"].tolist() == before["index"].tolist()
    for name in ("alignment", "colour", "attribution"):
        assert again[name] == pytest.approx(before[name], abs=1e-4)


def test_pictures_seeds_and_methods_make_other_units(study: Study) -> None:
    clean = study.clean_models[0]
    own = information_unit(clean, "guided_backprop", pictures=PICTURES, seed=0)
    others = [
        information_unit(clean, "guided_backprop", pictures=7, seed=0),
        information_unit(clean, "guided_backprop", pictures=PICTURES, seed=1),
        information_unit(clean, "rectgrad", pictures=PICTURES, seed=0),
    ]
    assert len({own.digest, *(other.digest for other in others)}) == 4


def test_a_network_without_a_failure_is_refused(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = information_unit(study.clean_models[0], "guided_backprop", pictures=PICTURES, seed=0)
    split = study.workspace.attack_data(unit.spec["dataset"]).test
    network = load(study.clean_models[0], study.workspace)
    images = torch.cat(list(split.stream([torch.arange(len(split))]))).float() / 255
    with torch.no_grad():
        decided = network(images).argmax(1)
    data = type("Data", (), {"test": type(split)(split.images, decided)})  # type: ignore[call-arg, attr-defined]
    monkeypatch.setattr(study.workspace, "attack_data", lambda spec: data)
    with pytest.raises(PeepholeError, match="gets every test picture right"):
        unit.compute(study.workspace)


def test_the_claim_is_examined_and_drawn(study: Study) -> None:
    claim = InformationByLayer()
    found = claim.examine(study)
    assert set(found) == {one.name for one in claim.expectations}
    assert not [answer for answer in found.values() if isinstance(answer, str)]
    with paper_style():
        drawing = claim.draw(study, 7.0)
    assert drawing is not None
    assert "12 wrong decisions of 2 models" in drawing.caption
    assert drawing.figure.get_figwidth() == 7.0
    layers = len(read_information(claim.units(study)[0], study.workspace).layers)  # type: ignore[arg-type]
    assert len(drawing.figure.axes) == EXAMPLES * (layers + 3) + 1


def planted(seed: int, *, holds: bool) -> Information:
    rng = np.random.default_rng(seed)
    steps = np.linspace(0.9, 0.2, 8)[:, None] + rng.normal(0, 0.02, (8, 40))
    falling, rising = (steps, 1 - steps) if holds else (1 - steps, rng.permuted(steps, axis=0))
    arrays = {"alignment": falling, "colour": falling, "attribution": rising}
    return Information(tuple("abcdefgh"), {**arrays, "whole_alignment": np.full((2, 40), 0.1 if holds else 0.95)})


@pytest.mark.parametrize(("holds", "expected"), [(True, ["holds"] * 4), (False, ["fails", "fails", "fails", "fails"])])
def test_the_verdict_is_what_was_planted(
    study: Study, monkeypatch: pytest.MonkeyPatch, holds: bool, expected: list[str]
) -> None:
    monkeypatch.setattr(information_by_layer, "_found", lambda study: [planted(s, holds=holds) for s in (0, 1)])
    claim = InformationByLayer()
    found = claim.examine(study)
    verdicts = []
    for one in claim.expectations:
        estimate = found[one.name]
        assert not isinstance(estimate, str)
        assert estimate.n == 80
        verdicts.append(one.criterion.verdict(estimate.low, estimate.high))
    assert verdicts == expected


def test_what_cannot_be_tested_says_so(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = InformationByLayer()
    empty = planted(0, holds=True)
    nothing = {name: np.full_like(values, np.nan) for name, values in empty.arrays.items()}
    for found, words in (
        ([], "no clean model gets a test picture wrong"),
        ([Information(("a", "b"), empty.arrays)], "fewer than 3 layers"),
        ([Information(empty.layers, nothing)], "a layer whose map is zero"),
    ):
        monkeypatch.setattr(information_by_layer, "_found", lambda study, found=found: found)
        assert all(words in str(answer) for answer in claim.examine(study).values())
    monkeypatch.setattr(information_by_layer, "_found", lambda study: [])
    assert claim.draw(study, 7.0) is None
